"""The neighbours every test may ask for: PostgreSQL, its databases, and Kafka."""

import itertools
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from shared.runtime.embedded_postgres import EmbeddedPostgres
from tests.neighbours.databases import Templates, prefix_of
from tests.neighbours.household import HOUSEHOLD, Found
from tests.neighbours.ladder import Broker
from tests.neighbours.ladders import own_kafka_ladder

pytest_plugins = ["tests.neighbours.plugin", "tests.clients.plugin"]


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """Address the session's PostgreSQL as a user who may create databases."""
    return request.config.stash[HOUSEHOLD].find("postgres").address


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Found:
    """Have the session's Kafka: its name and address. All workers share it."""
    return request.config.stash[HOUSEHOLD].find("kafka")


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka: Found) -> str:
    """Address the session's Kafka."""
    return kafka.address


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Undo what a test, or a command that it ran, did to this process's log.

    Tracebacks are plain: to print every local of every frame takes seconds an error.
    """
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    *before, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, plain])
    yield
    structlog.reset_defaults()
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def scratch(request: pytest.FixtureRequest) -> Path:
    """Make a directory for a server of this test's own. What runs in it ends with us."""
    return Path(tempfile.mkdtemp(dir=request.config.stash[HOUSEHOLD].directory))


@pytest.fixture
def own_kafka(scratch: Path) -> Iterator[Broker]:
    """Run a Kafka of this test's own, which it may take away and bring back."""
    broker = own_kafka_ladder().open(scratch)
    yield broker
    broker.close()


@pytest.fixture
def own_postgres(scratch: Path) -> Iterator[EmbeddedPostgres]:
    """Run a PostgreSQL of this test's own, which it may kill and start again."""
    with EmbeddedPostgres(scratch / "postgres", fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def template(request: pytest.FixtureRequest, postgres_url: str) -> Templates:
    """Build template databases, each once a session: `template("mithril", build)`.

    `build` is called with the URL of an empty database; the answer is the template's
    name, for `clone`.
    """
    directory = request.config.stash[HOUSEHOLD].directory
    return Templates(admin_url=postgres_url, directory=directory)


@pytest.fixture(scope="session")
def database_name(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Make a database's name that no other test of any session has."""
    prefix = prefix_of(request.config.stash[HOUSEHOLD].directory)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    numbers = itertools.count(1)
    return lambda label: f"{prefix}{worker}_{next(numbers)}_{label}"
