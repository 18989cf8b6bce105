"""pytest's side of the JavaScript clients: the header says whether they run, and why not."""

from pathlib import Path
from typing import Protocol

import pytest

from tests.clients.javascript import Libraries, obtain_libraries
from tests.neighbours.ladder import UnavailableError

_HERE = Path(__file__).parent
_NEED_NODE = frozenset({"test_javascript.py", "test_browser.py"})
_TOLD = "mithril_javascript"
_FOUND = pytest.StashKey[Libraries | str]()


class XdistNode(Protocol):
    """What this needs of the controller's side of an xdist worker."""

    config: pytest.Config
    workerinput: dict[str, object]


def found(config: pytest.Config) -> Libraries | str:
    """The libraries, or why there are none: looked for once a session, by its controller."""
    if _FOUND not in config.stash:
        config.stash[_FOUND] = _told(config) or _looked_for()
    return config.stash[_FOUND]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: XdistNode) -> None:
    """Tell an xdist worker what was found."""
    if _wanted(node.config):
        here = found(node.config)
        node.workerinput[_TOLD] = here if isinstance(here, str) else here.stored()


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say whether the JavaScript clients run."""
    if hasattr(config, "workerinput") or not _wanted(config):
        return None
    here = found(config)
    if isinstance(here, str):
        return f"JavaScript clients: not run, because {here}"
    return f"JavaScript clients: run by Node.js {here.version}"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests which need Node where it cannot run them."""
    if collection_path.parent != _HERE or collection_path.name not in _NEED_NODE:
        return None
    return True if isinstance(found(config), str) else None


def _wanted(config: pytest.Config) -> bool:
    asked = [
        Path(config.invocation_params.dir, argument.partition("::")[0]).resolve()
        for argument in config.args
    ]
    return any(_HERE.is_relative_to(path) or path.is_relative_to(_HERE) for path in asked)


def _told(config: pytest.Config) -> Libraries | str | None:
    told = getattr(config, "workerinput", {}).get(_TOLD)
    return Libraries(**told) if isinstance(told, dict) else told


def _looked_for() -> Libraries | str:
    try:
        return obtain_libraries()
    except UnavailableError as missing:
        return str(missing)
