"""Prometheus' own checker, as Debian's package `prometheus` brings it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it; without one the test fails and says what to install."""
    found = os.environ.get("MITHRIL_TEST_PROMTOOL") or shutil.which("promtool")
    if found is None:
        pytest.fail(
            "no promtool: install package `prometheus` or set MITHRIL_TEST_PROMTOOL",
            pytrace=False,
        )
    return subprocess.run(
        [found, *map(str, arguments)], capture_output=True, text=True, check=False
    )
