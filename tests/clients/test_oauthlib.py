"""oauthlib alone: it writes the requests and reads the answers, and the transport is ours."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from oauthlib.oauth2 import BackendApplicationClient, WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    InvalidClientError,
    InvalidScopeError,
)

from tests.clients.standing import Registered, Standing

SCOPE = "episode:read episode:write"
Prepared = tuple[str, dict[str, str], str]


def by_secret(client: Registered) -> dict[str, str]:
    """HTTP Basic, as RFC 6749 §2.3.1 has it."""
    pair = f"{client.client_id}:{client.client_secret}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def sent(prepared: Prepared, who: Mapping[str, str] = MappingProxyType({})) -> str:
    """Send what the library prepared; `who` is the header that says who asks."""
    url, headers, body = prepared
    request = Request(url, body.encode(), {**headers, **who})  # noqa: S310 — loopback
    try:
        with urlopen(request) as answer:  # noqa: S310
            return str(answer.read().decode())
    except HTTPError as refused:
        with refused:
            return refused.read().decode()


@pytest.fixture(scope="module")
def metadata(server: Standing) -> dict[str, Any]:
    url = f"{server.issuer}/.well-known/oauth-authorization-server"
    with urlopen(url) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


def test_a_code_with_pkce_is_exchanged_refreshed_used_and_revoked(
    server: Standing, metadata: dict[str, Any]
) -> None:
    client = server.register()
    app = WebApplicationClient(client.client_id)
    verifier = app.create_code_verifier(64)
    url, _, _ = app.prepare_authorization_request(
        metadata["authorization_endpoint"],
        redirect_url=client.redirect_uri,
        scope=SCOPE,
        code_challenge=app.create_code_challenge(verifier, "S256"),
        code_challenge_method="S256",
    )

    exchange = app.prepare_token_request(
        metadata["token_endpoint"],
        authorization_response=server.visit(url),
        code_verifier=verifier,
    )
    token = app.parse_request_body_response(sent(exchange, by_secret(client)), scope=SCOPE)
    refresh = app.prepare_refresh_token_request(
        metadata["token_endpoint"], token["refresh_token"]
    )
    refreshed = app.parse_request_body_response(
        sent(refresh, by_secret(client)), scope=SCOPE
    )
    _, used, _ = app.add_token(f"{server.issuer}/oauth/user")
    revocation = app.prepare_token_revocation_request(
        metadata["revocation_endpoint"],
        refreshed["refresh_token"],
        token_type_hint="refresh_token",
    )
    revoked = sent(revocation, by_secret(client))

    assert token["access_token"] != refreshed["access_token"]
    assert used == {"Authorization": f"Bearer {refreshed['access_token']}"}
    assert revoked == ""


def test_a_client_without_a_secret_signs_its_user_in_and_refreshes(
    server: Standing, metadata: dict[str, Any]
) -> None:
    client = server.register(token_endpoint_auth_method="none")
    app = WebApplicationClient(client.client_id)
    verifier = app.create_code_verifier(64)
    url, _, _ = app.prepare_authorization_request(
        metadata["authorization_endpoint"],
        redirect_url=client.redirect_uri,
        scope=SCOPE,
        code_challenge=app.create_code_challenge(verifier, "S256"),
        code_challenge_method="S256",
    )

    exchange = app.prepare_token_request(
        metadata["token_endpoint"],
        authorization_response=server.visit(url),
        code_verifier=verifier,
    )
    token = app.parse_request_body_response(sent(exchange), scope=SCOPE)
    refresh = app.prepare_refresh_token_request(
        metadata["token_endpoint"], token["refresh_token"], client_id=client.client_id
    )
    refreshed = app.parse_request_body_response(sent(refresh), scope=SCOPE)

    assert refreshed["refresh_token"] != token["refresh_token"]


def test_a_client_gets_a_token_for_itself(
    server: Standing, metadata: dict[str, Any]
) -> None:
    client = server.register()
    app = BackendApplicationClient(client.client_id, scope=["episode:read"])

    asked = app.prepare_token_request(metadata["token_endpoint"])
    token = app.parse_request_body_response(sent(asked, by_secret(client)))

    assert token.scopes == ["episode:read"]


def test_refusals_are_the_librarys_own_errors(
    server: Standing, metadata: dict[str, Any]
) -> None:
    client = server.register()
    app = BackendApplicationClient(client.client_id)
    asked = app.prepare_token_request(metadata["token_endpoint"], scope=["episode:read"])
    greedy = app.prepare_token_request(metadata["token_endpoint"], scope="everything")

    with pytest.raises(InvalidClientError):
        app.parse_request_body_response(
            sent(asked, by_secret(replace(client, client_secret="wrong")))
        )
    with pytest.raises(InvalidScopeError):
        app.parse_request_body_response(sent(greedy, by_secret(client)))


def test_a_request_that_is_refused_at_once_comes_back_as_the_librarys_own_error(
    server: Standing, metadata: dict[str, Any]
) -> None:
    client = server.register()
    app = WebApplicationClient(client.client_id)
    silent = {"redirect_url": client.redirect_uri, "prompt": "none"}
    url, _, _ = app.prepare_authorization_request(
        metadata["authorization_endpoint"], scope="everything", **silent
    )

    with pytest.raises(InvalidScopeError):
        app.parse_request_uri_response(server.visit(url), state=app.state)


def test_a_user_who_refuses_is_the_librarys_own_error(
    server: Standing, metadata: dict[str, Any]
) -> None:
    client = server.register()
    app = WebApplicationClient(client.client_id)
    url, _, _ = app.prepare_authorization_request(
        metadata["authorization_endpoint"],
        redirect_url=client.redirect_uri,
        scope=SCOPE,
    )

    with pytest.raises(AccessDeniedError):
        app.parse_request_uri_response(server.visit(url, answer="deny"), state=app.state)
