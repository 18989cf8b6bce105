"""One set a test process, for all client libraries."""

from collections.abc import Callable, Iterator

import pytest

from tests.clients.standing import Standing, standing
from tests.integration.conftest import mithril_template
from tests.neighbours.databases import clone, drop
from tests.neighbours.ready import run_aside

__all__ = ["mithril_template"]  # a fixture that ours asks for


@pytest.fixture(scope="session")
def server(
    postgres_url: str, mithril_template: str, database_name: Callable[[str], str]
) -> Iterator[Standing]:
    """mithril-api, auth-web and their database, on loopback."""
    name = database_name("clients")
    url = run_aside(lambda: clone(postgres_url, mithril_template, name))
    with standing(url) as made:
        yield made
    run_aside(lambda: drop(postgres_url, name))


@pytest.fixture(autouse=True)
def _http_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let oauthlib, and what rests on it, speak HTTP to loopback."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
