# Every verb of the project; each is thin, and `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help

.PHONY: help install up test check bench lock docs migrate clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: .venv/installed ## make the virtual environment from the lock

.venv/installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Mithril needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

up: install ## run everything on this machine; Ctrl-C stops it (ARGS="--port-base 9000 --state-dir DIR")
	@exec $(BIN)/mithril up $(ARGS)

test: install ## run the whole test suite (ARGS="-k refresh")
	$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

check: install ## lints, types, import contracts, generated documents, deployment files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/mithril docs check
	$(BIN)/python -m deploy.observability.build
	$(BIN)/python k8s/check.py

migrate: install ## bring the database at DATABASE_URL up to this release
	$(BIN)/mithril mithril-api migrate

bench: install ## measure against PostgreSQL itself, in one run (ARGS="--seconds 10")
	$(BIN)/python -m tests.bench $(ARGS)

docs: install ## write the generated documents anew
	$(BIN)/mithril docs write
	$(BIN)/python -m deploy.observability.build --write

lock: ## resolve the locks anew (needs `uv`)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  $(LOCK_ARGS) pyproject.toml -o requirements/runtime.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  $(LOCK_ARGS) --extra dev pyproject.toml -o requirements/dev.txt

clean: ## remove the virtual environment and the local state
	rm -rf .venv .mithril .cache
