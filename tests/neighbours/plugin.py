"""pytest's side of the neighbours: it names them in the header and ends them at the end."""

from pathlib import Path
from typing import Protocol

import pytest

from tests.neighbours.household import HOUSEHOLD, NextDoor, OwnHousehold

_DOOR = "mithril_neighbours"
_HEADER = pytest.StashKey[str]()


class XdistNode(Protocol):
    """What this needs of the controller's side of an xdist worker."""

    config: pytest.Config
    workerinput: dict[str, object]


def pytest_configure(config: pytest.Config) -> None:
    """Give every test process its household. No server is started yet."""
    if hasattr(config, "workerinput"):
        config.stash[HOUSEHOLD] = NextDoor(config.workerinput[_DOOR])
    else:
        config.stash[HOUSEHOLD] = OwnHousehold()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: XdistNode) -> None:
    """Tell an xdist worker where to ask."""
    household = node.config.stash[HOUSEHOLD]
    if isinstance(household, OwnHousehold):
        node.workerinput[_DOOR] = household.open_door()


def pytest_report_header(config: pytest.Config) -> str:
    """Say which neighbours the tests have, and why these."""
    household = config.stash[HOUSEHOLD]
    if not isinstance(household, OwnHousehold) or _needs_none(config):
        return "neighbours: none needed"
    config.stash[_HEADER] = household.describe()
    return f"neighbours: {config.stash[_HEADER]}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Correct the header if what it named could not be started after all."""
    household, header = config.stash[HOUSEHOLD], config.stash.get(_HEADER, None)
    if isinstance(household, OwnHousehold) and header not in {None, household.describe()}:
        terminalreporter.write_line(f"neighbours: {household.describe()}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what was started."""
    household = config.stash.get(HOUSEHOLD, None)
    if isinstance(household, OwnHousehold):
        household.close()


def _needs_none(config: pytest.Config) -> bool:
    """Whether only unit tests are asked for, or none is to be run."""
    unit = config.rootpath / "tests" / "unit"
    asked = [
        Path(config.invocation_params.dir, argument.partition("::")[0]).resolve()
        for argument in config.args
    ]
    return config.option.collectonly or all(path.is_relative_to(unit) for path in asked)
