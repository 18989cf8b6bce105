"""What the server tells of itself is so."""

import pytest

from services.mithril_api.domain.grants import DEVICE_CODE, TOKEN_EXCHANGE
from services.mithril_api.domain.oauth2.metadata import ENDPOINTS
from tests.integration.mithril_api.conftest import Api

OAUTH = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


async def test_every_endpoint_that_is_promised_answers_and_every_one_that_answers_is_promised(
    api: Api,
) -> None:
    response = await api.public.get(OAUTH)
    told = await response.json()

    assert response.status == 200
    assert response.headers["Cache-Control"] == "public, max-age=300"
    issuer = told["issuer"]
    promised = {told[name].removeprefix(issuer) for name in ENDPOINTS if name in told}
    routed = {
        resource.canonical
        for resource in api.built.public.router.resources()
        if resource.canonical in ENDPOINTS.values()
    }
    assert promised == routed


async def test_the_issuer_is_where_the_document_is(api: Api) -> None:
    response = await api.public.get(OAUTH)

    issuer = (await response.json())["issuer"]

    assert str(response.url) == issuer + OAUTH


async def test_grants_and_methods_are_those_that_work(api: Api) -> None:
    told = await (await api.public.get(OAUTH)).json()

    secrets = ["client_secret_basic", "client_secret_post"]
    assert told["grant_types_supported"] == [
        "authorization_code",
        "client_credentials",
        "refresh_token",
        DEVICE_CODE,
        TOKEN_EXCHANGE,
    ]
    by_key = "private_key_jwt"
    assert told["token_endpoint_auth_methods_supported"] == [*secrets, "none", by_key]
    assert told["introspection_endpoint_auth_methods_supported"] == [*secrets, by_key]
    for name in ("token", "introspection", "revocation"):
        algorithms = told[f"{name}_endpoint_auth_signing_alg_values_supported"]
        assert algorithms == told["dpop_signing_alg_values_supported"]
        assert algorithms == ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]
    assert told["response_types_supported"] == ["code"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True


async def test_both_documents_say_the_same(api: Api) -> None:
    oauth = await (await api.public.get(OAUTH)).json()
    openid = await (await api.public.get(OPENID)).json()

    assert openid == oauth
    assert set(openid) >= {  # what OpenID Connect Discovery §3 requires
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    }
    assert openid["request_uri_parameter_supported"] is False
    assert "RS256" in openid["id_token_signing_alg_values_supported"]


async def test_nothing_is_said_of_what_is_not_there(api: Api) -> None:
    told = str(await (await api.public.get(OAUTH)).json())

    for word in ("tls_client", "registration_endpoint"):
        assert word not in told


@pytest.mark.parametrize("path", [OAUTH, "/oauth2/token", "/oauth2/revoke"])
async def test_pages_of_any_origin_may_ask(api: Api, path: str) -> None:
    origin = {"Origin": "https://app.test", "Access-Control-Request-Method": "POST"}

    response = await api.public.options(path, headers=origin)

    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]


async def test_a_page_of_another_origin_may_read_what_it_asked_for(api: Api) -> None:
    origin = {"Origin": "https://app.test"}

    document = await api.public.get(OAUTH, headers=origin)
    refused = await api.public.post("/oauth2/token", data={}, headers=origin)

    for response in (document, refused):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers


async def test_no_page_may_read_what_a_browser_is_led_by(api: Api) -> None:
    origin = {"Origin": "https://app.test"}

    response = await api.public.get("/oauth2/authorize", headers=origin)

    assert "Access-Control-Allow-Origin" not in response.headers
