"""The JavaScript libraries, run by Node: a process a library, a test a scenario."""

import fcntl
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from tests.clients.javascript import Libraries
from tests.clients.plugin import found
from tests.clients.standing import Standing, a_key
from tests.neighbours.household import HOUSEHOLD

ALGS = ("RS256", "PS256", "ES256", "EdDSA")
RESOURCE = "https://records.test"
HOME = "https://clinic.test/bye"
SCENARIOS = {
    "openid_client": (
        "a code with PKCE is exchanged, by the metadata of RFC 8414 alone",
        "a client without a secret signs in and refreshes",
        "a retried refresh gives the same successor",
        "a client gets a token for itself, by secret in the header or in the body",
        "a request is pushed",
        "a token is introspected and revoked",
        "an answer of another issuer, or of none, is refused by the library",
        "refusals are the library's own errors",
        "an ID token is validated, with its signature, and comes anew with a refresh",
        "ID tokens are signed by the algorithm that a client is registered for",
        "the user's claims are fetched",
        "a user is signed out and sent back, by the client's id or by its ID token",
        "an introspection is signed",
        "a client proves who it is by its key",
        "a client with another key is refused",
        "tokens are bound to a key, with the nonce that the server wants",
        "a public client's refresh token is of use to its key alone",
        "all that FAPI 2.0 asks: pushed, by key, bound to a key",
    ),
    "oauth4webapi": (
        "the server is discovered, the same by both of its documents",
        "a code with PKCE becomes tokens which are refreshed",
        "a client without a secret signs in and refreshes",
        "a client gets a token for itself, by secret in the header or in the body",
        "a request is pushed",
        "a token is introspected and revoked",
        "an answer of another issuer, or of none, is refused by the library",
        "an ID token is validated, with its signature, and the user's claims are fetched",
        "refusals are the library's own errors",
        "a client proves who it is by its key",
        "the server asks for its nonce in a proof, and gets it",
        "all that FAPI 2.0 asks: pushed, by key, bound to a key",
        "a resource validates an access token that is a JWT",
        "a resource validates a JWT that is bound to a key",
        "an introspection is signed",
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
    by_key: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt"}
    strict: dict[str, Any] = {
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": True,
    }
    clients = {
        "confidential": register(post_logout_redirect_uris=[HOME]),
        "secretless": register(token_endpoint_auth_method="none"),
        "pushing": register(require_pushed_authorization_requests=True),
        "keyed": register(key=a_key("ES256"), **by_key),
        "keyed_rsa": register(key=a_key("PS256"), **by_key),
        "strict": register(key=a_key("ES256"), **by_key, **strict),
    }
    for alg in ALGS:
        clients[f"jwt {alg}"] = register(
            access_token_format="jwt",
            access_token_signed_response_alg=alg,
            introspection_signed_response_alg=alg,
            resource=[RESOURCE],
        )
    by_alg = {alg: register(id_token_signed_response_alg=alg) for alg in ALGS}
    return {
        "issuer": server.issuer,
        "agent": server.agent,
        "algs": ALGS,
        "resource": RESOURCE,
        "clients": {name: {**asdict(it), "home": HOME} for name, it in clients.items()},
        "clients_by_alg": {alg: asdict(client) for alg, client in by_alg.items()},
    }


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
