"""`python -m deploy.observability.build`: what is made from the rules and the panels is fresh.

With `--write`, it is written anew.
"""

import argparse
import sys
from pathlib import Path

from deploy.observability.dashboards import BOARDS, json_of

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
_RULES = HERE / "prometheus" / "rules.yaml"
_HEAD = """\
# Made from `rules.yaml` of deploy/observability/prometheus: `make docs` writes it anew.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: mithril
spec:
"""


def made() -> dict[Path, str]:
    """Every file that is made, and what it should hold."""
    boards = HERE / "grafana" / "dashboards"
    return {
        ROOT / "k8s" / "components" / "alerts" / "rules.yaml": _prometheus_rule(),
        **{boards / f"{board.uid}.json": json_of(board) for board in BOARDS},
    }


def _prometheus_rule() -> str:
    rules = _RULES.read_text()
    groups = rules[rules.index("groups:") :].splitlines()
    return _HEAD + "".join(f"  {line}\n" if line else "\n" for line in groups)


def main() -> None:
    """Write, or exit 1 naming each file that is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files anew")
    files = made()
    if parser.parse_args().write:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return
    stale = [
        path
        for path, text in files.items()
        if not path.exists() or path.read_text() != text
    ]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is out of date: run `make docs`", file=sys.stderr)
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    main()
