"""The JavaScript libraries, run by Node: a process a library, a test a scenario."""

import fcntl
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from tests.clients.javascript import Libraries
from tests.clients.plugin import found
from tests.clients.standing import Standing
from tests.neighbours.household import HOUSEHOLD

HOME = "https://clinic.test/bye"
SCENARIOS = {
    "openid_client": (
        "a code with PKCE is exchanged",
        "a client without a secret signs in and refreshes",
        "a retried refresh gives the same successor",
        "a client gets a token for itself, by secret in the header or in the body",
        "a request is pushed",
        "a token is introspected and revoked",
        "an answer of another issuer, or of none, is refused by the library",
        "refusals are the library's own errors",
        "a user is signed out and sent back",
    ),
    "oauth4webapi": (
        "the server is discovered",
        "a code with PKCE becomes tokens which are refreshed",
        "a client without a secret signs in and refreshes",
        "a client gets a token for itself, by secret in the header or in the body",
        "a request is pushed",
        "a token is introspected and revoked",
        "an answer of another issuer, or of none, is refused by the library",
        "refusals are the library's own errors",
    ),
}
Report = dict[str, str | None]


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest, server: Standing) -> Callable[[str], Report]:
    """What came of a library's scenarios, run by whichever test process asks first."""
    directory = request.config.stash[HOUSEHOLD].directory
    libraries = found(request.config)
    assert isinstance(libraries, Libraries)

    def run(library: str) -> Report:
        kept = directory / f"clients-{library}.json"
        with kept.with_suffix(".lock").open("wb") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if not kept.exists():
                made = libraries.run(f"{library}.mjs", settings(server), directory)
                kept.write_text(json.dumps(made))
        answer: Report = json.loads(kept.read_text())
        return answer

    return run


def settings(server: Standing) -> dict[str, Any]:
    """What the scripts are told, each registered as its name says."""
    register = server.register
    clients = {
        "confidential": register(post_logout_redirect_uris=[HOME]),
        "secretless": register(token_endpoint_auth_method="none"),
        "pushing": register(require_pushed_authorization_requests=True),
    }
    told = {name: {**asdict(client), "home": HOME} for name, client in clients.items()}
    return {"issuer": server.issuer, "agent": server.agent, "clients": told}


@pytest.mark.parametrize(
    ("library", "scenario"),
    [(library, name) for library, names in SCENARIOS.items() for name in names],
)
def test_scenario(report: Callable[[str], Report], library: str, scenario: str) -> None:
    failure = report(library)[scenario]
    if failure is not None:
        pytest.fail(failure, pytrace=False)


@pytest.mark.parametrize("library", SCENARIOS)
def test_every_scenario_of_a_library_is_a_test(
    report: Callable[[str], Report], library: str
) -> None:
    assert set(report(library)) == set(SCENARIOS[library])
