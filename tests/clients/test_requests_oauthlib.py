"""requests-oauthlib, as its manual says."""

import pytest
import requests
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.clients.standing import Standing

SCOPE = ["episode:read", "episode:write"]


@pytest.fixture(scope="module")
def metadata(server: Standing) -> dict[str, str]:
    url = f"{server.issuer}/.well-known/oauth-authorization-server"
    found: dict[str, str] = requests.get(url, timeout=10).json()
    return found


def test_a_code_with_pkce_becomes_tokens_which_are_refreshed(
    server: Standing, metadata: dict[str, str]
) -> None:
    client = server.register()
    with OAuth2Session(
        client.client_id, redirect_uri=client.redirect_uri, scope=SCOPE, pkce="S256"
    ) as session:
        url, _ = session.authorization_url(metadata["authorization_endpoint"])
        came_back = server.visit(url)
        token = session.fetch_token(
            metadata["token_endpoint"],
            client_secret=client.client_secret,
            authorization_response=came_back,
        )
        refreshed = session.refresh_token(
            metadata["token_endpoint"],
            auth=HTTPBasicAuth(client.client_id, client.client_secret),
        )

    assert token["scope"] == SCOPE
    assert refreshed["scope"] == SCOPE
    assert refreshed["refresh_token"] != token["refresh_token"]
    assert refreshed["access_token"] != token["access_token"]


def test_a_client_without_a_secret_signs_its_user_in_and_refreshes(
    server: Standing, metadata: dict[str, str]
) -> None:
    client = server.register(token_endpoint_auth_method="none")
    with OAuth2Session(
        client.client_id, redirect_uri=client.redirect_uri, scope=SCOPE, pkce="S256"
    ) as session:
        url, _ = session.authorization_url(metadata["authorization_endpoint"])
        token = session.fetch_token(
            metadata["token_endpoint"],
            include_client_id=True,
            authorization_response=server.visit(url),
        )
        refreshed = session.refresh_token(
            metadata["token_endpoint"], client_id=client.client_id
        )

    assert refreshed["refresh_token"] != token["refresh_token"]


def test_a_session_refreshes_by_itself_when_its_token_has_expired(
    server: Standing, metadata: dict[str, str]
) -> None:
    client = server.register()
    saved: list[dict[str, str]] = []
    with OAuth2Session(
        client.client_id,
        redirect_uri=client.redirect_uri,
        scope=SCOPE,
        pkce="S256",
        auto_refresh_url=metadata["token_endpoint"],
        auto_refresh_kwargs={
            "client_id": client.client_id,
            "client_secret": client.client_secret,
        },
        token_updater=saved.append,
    ) as session:
        url, _ = session.authorization_url(metadata["authorization_endpoint"])
        session.fetch_token(
            metadata["token_endpoint"],
            client_secret=client.client_secret,
            authorization_response=server.visit(url),
        )
        first = session.token["refresh_token"]
        session.token = {**session.token, "expires_in": -60, "expires_at": 1}
        session.get(f"{server.issuer}/oauth/user")

    assert saved[0]["refresh_token"] != first


def test_a_client_gets_a_token_for_itself(
    server: Standing, metadata: dict[str, str]
) -> None:
    client = server.register()
    with OAuth2Session(client=BackendApplicationClient(client.client_id)) as session:
        token = session.fetch_token(
            metadata["token_endpoint"],
            auth=HTTPBasicAuth(client.client_id, client.client_secret),
            scope=["episode:read"],
        )

    assert token["scope"] == ["episode:read"]
    assert token["token_type"] == "Bearer"


def test_a_refusal_is_the_librarys_own_error(
    server: Standing, metadata: dict[str, str]
) -> None:
    client = server.register()
    with (
        OAuth2Session(client.client_id, redirect_uri=client.redirect_uri) as session,
        pytest.raises(InvalidGrantError),
    ):
        session.fetch_token(
            metadata["token_endpoint"],
            client_secret=client.client_secret,
            code="unknown",
        )
