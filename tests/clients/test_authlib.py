"""Authlib, as its manual says."""

from typing import Any

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT

from tests.clients.standing import Registered, Standing, a_key

SCOPE = "episode:read episode:write"


@pytest.fixture(scope="module")
def metadata(server: Standing) -> dict[str, Any]:
    url = f"{server.issuer}/.well-known/oauth-authorization-server"
    found: dict[str, Any] = requests.get(url, timeout=10).json()
    return found


def a_session(client: Registered, metadata: dict[str, Any], **but: Any) -> OAuth2Session:
    settings: dict[str, Any] = {
        "scope": SCOPE,
        "redirect_uri": client.redirect_uri,
        "code_challenge_method": "S256",
        "token_endpoint": metadata["token_endpoint"],
        **but,
    }
    return OAuth2Session(client.client_id, client.client_secret, **settings)


def signed_in(server: Standing, session: OAuth2Session, metadata: dict[str, Any]) -> Any:
    verifier = generate_token(48)
    url, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier
    )
    return session.fetch_token(
        authorization_response=server.visit(url), state=state, code_verifier=verifier
    )


def test_a_code_with_pkce_becomes_tokens_which_are_refreshed_looked_at_and_revoked(
    server: Standing, metadata: dict[str, Any]
) -> None:
    client = server.register()
    with a_session(client, metadata) as session:
        token = signed_in(server, session, metadata)
        refreshed = session.refresh_token()
        introspection = metadata["introspection_endpoint"]
        live = session.introspect_token(introspection, refreshed["access_token"]).json()
        answer = session.revoke_token(  # type: ignore[no-untyped-call]  # not in its stubs
            metadata["revocation_endpoint"],
            refreshed["refresh_token"],
            token_type_hint="refresh_token",
        )
        dead = session.introspect_token(introspection, refreshed["access_token"]).json()

    assert token["scope"] == refreshed["scope"] == SCOPE
    assert refreshed["refresh_token"] != token["refresh_token"]
    assert (live["active"], live["sub"]) == (True, client.user_id)
    assert answer.status_code == 200
    assert dead == {"active": False}


def test_a_session_refreshes_by_itself_when_its_token_has_expired(
    server: Standing, metadata: dict[str, Any]
) -> None:
    client = server.register()
    saved: list[tuple[Any, str]] = []

    def save(token: Any, refresh_token: str) -> None:
        saved.append((token["refresh_token"], refresh_token))

    with a_session(client, metadata, update_token=save) as session:
        first = signed_in(server, session, metadata)
        session.token = {**first, "expires_at": 1}
        session.get(f"{server.issuer}/oauth/user")

    [(new, old)] = saved
    assert old == first["refresh_token"] != new


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_gets_a_token_for_itself(
    server: Standing, metadata: dict[str, Any], method: str
) -> None:
    client = server.register(token_endpoint_auth_method=method)
    with a_session(
        client, metadata, scope="episode:read", token_endpoint_auth_method=method
    ) as session:
        token = session.fetch_token(grant_type="client_credentials")

    assert (token["scope"], token["token_type"]) == ("episode:read", "Bearer")


def test_a_client_without_a_secret_signs_its_user_in_and_refreshes(
    server: Standing, metadata: dict[str, Any]
) -> None:
    client = server.register(token_endpoint_auth_method="none")
    with a_session(client, metadata, token_endpoint_auth_method="none") as session:
        token = signed_in(server, session, metadata)
        refreshed = session.refresh_token()

    assert refreshed["refresh_token"] != token["refresh_token"]


def test_a_refusal_is_the_librarys_own_error(
    server: Standing, metadata: dict[str, Any]
) -> None:
    client = server.register()
    with (
        a_session(client, metadata) as session,
        pytest.raises(OAuthError, match="invalid_grant"),
    ):
        session.fetch_token(code="unknown", grant_type="authorization_code")


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_a_client_proves_who_it_is_by_its_key(
    server: Standing, metadata: dict[str, Any], alg: str
) -> None:
    key = a_key(alg)
    client = server.register(key=key, token_endpoint_auth_method="private_key_jwt")
    endpoint = metadata["token_endpoint"]
    with OAuth2Session(
        client.client_id,
        key,
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint=endpoint,
        redirect_uri=client.redirect_uri,
        scope=SCOPE,
        code_challenge_method="S256",
    ) as session:
        session.register_client_auth_method(PrivateKeyJWT(endpoint, alg=alg))
        token = signed_in(server, session, metadata)
        refreshed = session.refresh_token()
        own = session.fetch_token(grant_type="client_credentials")

    assert refreshed["refresh_token"] != token["refresh_token"]
    assert own["scope"] == SCOPE
