"""OpenID Connect Discovery 1.0 and its keys: `oidcc-config-certification-test-plan`."""

from typing import Any

import pytest

from tests.conformance.suite import Suite

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPENID = "/.well-known/openid-configuration"
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}


async def document(suite: Suite, path: str = OPENID) -> dict[str, Any]:
    found = await suite.ask("GET", path)
    assert (found.status, found.headers["Content-Type"].split(";")[0]) == (
        200,
        "application/json",
    )
    return found.body


async def test_discovery_4_3_the_issuer_is_where_the_document_is(suite: Suite) -> None:
    assert (await document(suite))["issuer"] == suite.issuer


async def test_discovery_3_what_is_required_is_there(suite: Suite) -> None:
    told = await document(suite)

    for name in (
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "end_session_endpoint",
    ):
        assert told[name].startswith(suite.issuer + "/"), name
    assert told["subject_types_supported"] == ["public"]
    assert "RS256" in told["id_token_signing_alg_values_supported"]
    assert "openid" in told["scopes_supported"]
    assert {"sub", "iss", "auth_time", "acr"} - set(told["claims_supported"]) <= {"acr"}
    assert told["request_uri_parameter_supported"] is False
    assert all(isinstance(value, str | list | bool | dict) for value in told.values())
    assert [] not in told.values()  # RFC 8414 §2: an empty list is left out


async def test_rfc_8414_3_the_other_document_says_the_same(suite: Suite) -> None:
    other = await document(suite, "/.well-known/oauth-authorization-server")

    assert other == await document(suite)


async def test_rfc_7517_keys_are_public_distinct_and_for_signatures(suite: Suite) -> None:
    told = await document(suite)
    keys = (await suite.ask("GET", told["jwks_uri"])).body["keys"]

    assert not [key for key in keys if PRIVATE & set(key)]
    assert len({key["kid"] for key in keys}) == len(keys)
    assert {key["use"] for key in keys} == {"sig"}
    promised = set(told["id_token_signing_alg_values_supported"])
    assert {key["alg"] for key in keys} == promised


async def test_an_id_token_names_the_key_that_signed_it(suite: Suite) -> None:
    client = await suite.client()

    tokens = await suite.granted(client)

    assert await suite.claims(client, tokens["id_token"])


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
async def test_registration_2_a_client_chooses_how_its_id_tokens_are_signed(
    suite: Suite, algorithm: str
) -> None:
    client = await suite.client(id_token_signed_response_alg=algorithm)

    tokens = await suite.granted(client)

    assert await suite.claims(client, tokens["id_token"])
