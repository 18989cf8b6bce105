"""Access tokens that are JWTs (RFC 9068): checked by themselves, and ended like any other."""

from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.mithril_api.app import build
from services.mithril_api.domain.oauth2 import jose
from services.mithril_api.domain.oauth2.signing_keys import Alg
from shared.wire import jws
from shared.wire.jws import Compact, Unusable
from tests.builders import World, a_pair, give_keys
from tests.integration.mithril_api.asking import bearer, verify
from tests.integration.mithril_api.conftest import Api, settings_for
from tests.integration.mithril_api.oauth2.oauth import (
    VERIFIER,
    Answered,
    a_client,
    a_code,
    by_post,
    client_credentials,
    exchange,
    post,
    refresh,
    token,
)
from tests.integration.mithril_api.oauth2.proving import proof, proved, thumbprint

API, OTHER = "https://api.test/fhir", "https://other.test/"
JWT = {"access_token_format": "jwt", "resource": [API, OTHER]}
SIGNED = "application/token-introspection+jwt"


@pytest.fixture(autouse=True)
async def keys_are_there(api: Api) -> None:
    """An RSA key takes long to make."""
    await give_keys(api.deps)


def read(value: str) -> Compact:
    shown = jws.read(value)
    assert shown is not None
    return shown


def is_signed(shown: Compact, alg: Alg) -> bool:
    key = jws.public_key(a_pair(alg).public_jwk)
    assert not isinstance(key, Unusable)
    return jws.is_signed(shown, key)


async def introspected(api: Api, world: World, value: str) -> dict[str, Any]:
    answer = await post(api, "/oauth2/introspect", {"token": value, **by_post(world)})
    assert answer.status == 200
    return answer.body


async def own(api: Api, world: World, **but: Any) -> Answered:
    form = client_credentials(scope="episode:read", **by_post(world), **but)
    return await token(api, form)


async def granted(api: Api, world: World, **but: Any) -> dict[str, Any]:
    answer = await exchange(api, world, await a_code(api, world, **but))
    assert answer.status == 200, answer.body
    return answer.body


async def test_a_clients_own_token_says_what_it_is_and_by_whom(api: Api) -> None:
    world = await a_client(api, **JWT)

    answer = await own(api, world)

    shown = read(answer.body["access_token"])
    now = int(api.clock.now().timestamp())
    issuer = str(api.public.make_url("")).rstrip("/")
    assert shown.header == {"alg": "EdDSA", "kid": a_pair(Alg.EDDSA).kid, "typ": "at+jwt"}
    assert is_signed(shown, Alg.EDDSA)
    told = await introspected(api, world, answer.body["access_token"])
    assert shown.claims == {
        "iss": issuer,
        "aud": issuer,
        "sub": str(world.client_id),
        "client_id": str(world.client_id),
        "iat": now,
        "exp": now + 3600,
        "jti": told["jti"],
        "scope": "episode:read",
    }
    assert (told["active"], told["exp"], told["sub"]) == (
        True,
        shown.claims["exp"],
        shown.claims["sub"],
    )


async def test_a_users_token_says_who_when_and_how_and_still_does_when_refreshed(
    api: Api,
) -> None:
    world = await a_client(api, **JWT)
    first = await granted(api, world, resource=API)
    second = await refresh(api, world, first["refresh_token"])
    repeated = await refresh(api, world, first["refresh_token"])

    now = int(api.clock.now().timestamp())
    assert repeated.body["refresh_token"] == second.body["refresh_token"]
    for body in (first, second.body, repeated.body):
        claims = read(body["access_token"]).claims
        assert claims["sub"] == str(world.user_id)
        assert claims["aud"] == API
        assert (claims["auth_time"], claims["amr"]) == (now, ["pwd"])
        assert (await introspected(api, world, body["access_token"]))["active"]
        assert len(body["refresh_token"]) == 32


async def test_the_audience_is_what_was_asked_for(api: Api) -> None:
    world = await a_client(api, **JWT)

    one = await own(api, world, resource=API)
    form = [*client_credentials(**by_post(world)).items()]
    both = await post(api, "/oauth2/token", [*form, ("resource", API), ("resource", OTHER)])

    assert read(one.body["access_token"]).claims["aud"] == API
    assert read(both.body["access_token"]).claims["aud"] == [API, OTHER]
    assert (await own(api, world, resource="https://no.test/")).refusal == (
        *(400, "invalid_target"),
    )


@pytest.mark.parametrize("alg", Alg)
async def test_a_client_has_them_signed_as_it_is_registered(api: Api, alg: Alg) -> None:
    world = await a_client(api, **JWT, access_token_signed_response_alg=str(alg))

    shown = read((await own(api, world)).body["access_token"])

    assert shown.header["alg"] == alg
    assert is_signed(shown, alg)


async def test_a_key_that_was_not_needed_so_far_is_made_for_the_first_who_ask(
    mithril_database: str, api: Api
) -> None:
    world = await a_client(api, **JWT, access_token_signed_response_alg="ES256")
    async with api.deps.db.begin() as conn:
        await conn.exec_driver_sql("DELETE FROM signing_keys")
    api.deps.ring.forget()

    answers = [await own(api, world) for _ in range(2)]

    kids = {read(answer.body["access_token"]).header["kid"] for answer in answers}
    assert [answer.status for answer in answers] == [200, 200]
    assert len(kids) == 1


async def test_one_that_is_bound_says_to_which_key_and_opens_nothing_without_it(
    api: Api,
) -> None:
    world = await a_client(api, **JWT, dpop_bound_access_tokens=True)
    code = await a_code(api, world, scope="openid")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": world.redirect_uri,
        "code_verifier": VERIFIER,
        **by_post(world),
    }
    answer = await proved(api, form)
    value = answer.body["access_token"]
    assert read(value).claims["cnf"] == {"jkt": thumbprint()}

    async def status(headers: dict[str, str]) -> int:
        response = await api.public.get("/oauth2/userinfo", headers=headers)
        return response.status

    shown = {"Authorization": f"DPoP {value}"}
    good = {**shown, "DPoP": proof(api, "/oauth2/userinfo", htm="GET", token=value)}
    assert await status(good) == 200
    assert await status(good) == 401
    assert await status(shown) == 401
    assert await status(bearer(value)) == 401


async def test_one_ends_everywhere_when_it_is_revoked(api: Api) -> None:
    world = await a_client(api, **JWT)
    first = await granted(api, world, scope="openid episode:read")
    value = first["access_token"]
    assert await verify(api, value) == 200
    response = await api.public.get("/oauth2/userinfo", headers=bearer(value))
    assert response.status == 200

    await post(api, "/oauth2/revoke", {"token": value, **by_post(world)})

    assert await verify(api, value) == 401
    assert await introspected(api, world, value) == {"active": False}
    response = await api.public.get("/oauth2/userinfo", headers=bearer(value))
    assert response.status == 401


async def test_one_that_was_changed_or_made_elsewhere_is_no_token(api: Api) -> None:
    world = await a_client(api, **JWT)
    value = (await own(api, world)).body["access_token"]
    head, body, signature = value.split(".")
    stolen = jose.signer_of(a_pair(Alg.EDDSA).kid, Alg.EDDSA, a_pair(Alg.EDDSA).private_jwk)
    forged = [
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"eyJhbGciOiJub25lIn0.{body}.",
        stolen.sign({**read(value).claims, "jti": "another"}, typ="at+jwt"),
        "eyJ" + "A" * 7000,
        "eyJhIjoxfQ.eyJleHAiOjFlOTl9.AAAA",
        "eyJhIjoxfQ.eyJleHAiOi0xfQ.AAAA",
        "eyJhIjoxfQ.W10.AAAA",
    ]

    for other in forged:
        assert await introspected(api, world, other) == {"active": False}
        assert await verify(api, other) == 404


async def test_one_ends_when_it_says_so(api: Api) -> None:
    world = await a_client(api, **JWT)
    value = (await own(api, world)).body["access_token"]

    api.clock.advance(timedelta(seconds=3600))

    assert await introspected(api, world, value) == {"active": False}


async def test_the_contract_beside_the_standards_keeps_its_short_tokens(api: Api) -> None:
    world = await a_client(api, **JWT)

    response = await api.public.post("/oauth/tokens", json=world.refresh_body())

    assert response.status == 201
    assert len((await response.json())["data"]["value"]) == 32


async def test_a_scope_that_no_header_could_hold_is_refused_and_spends_nothing(
    api: Api,
) -> None:
    long = tuple(f"scope_{number:03}:read" for number in range(300))
    world = await a_client(api, **JWT)
    async with api.deps.db.begin() as conn:
        for table in ("client_types", "roles", "apps"):
            await conn.exec_driver_sql(
                f"UPDATE {table} SET scope = scope || $1::text[]",  # noqa: S608
                (list(long),),
            )
    first = await granted(api, world)
    code = await a_code(api, world, scope=" ".join(long))

    assert (await exchange(api, world, code)).refusal == (400, "invalid_scope")
    form = client_credentials(scope=" ".join(long), **by_post(world))
    assert (await token(api, form)).refusal == (400, "invalid_scope")
    assert (await refresh(api, world, first["refresh_token"])).status == 200


async def test_a_resource_may_want_jwts_of_every_client(
    mithril_database: str, api: Api
) -> None:
    clock = api.clock
    built = build(settings_for(mithril_database, jwt_resources=(API,)), clock=clock)
    async with (
        TestClient(TestServer(built.public)) as public,
        TestClient(TestServer(built.internal)) as internal,
    ):
        here = Api(built=built, clock=clock, public=public, internal=internal)
        world = await a_client(here, resource=[API, OTHER])

        values = [
            (await own(here, world, resource=wanted)).body["access_token"]
            for wanted in (API, OTHER)
        ]
    await built.deps.db.dispose()
    built.deps.passwords.close()

    assert read(values[0]).claims["aud"] == API
    assert len(values[1]) == 32


class TestSignedIntrospection:
    async def test_what_is_said_of_a_token_can_be_proved_later(self, api: Api) -> None:
        world = await a_client(api)
        value = (await granted(api, world))["access_token"]
        form = {"token": value, **by_post(world)}

        response = await api.public.post(
            "/oauth2/introspect", data=form, headers={"Accept": SIGNED}
        )

        assert (response.status, response.content_type) == (200, SIGNED)
        shown = read(await response.text())
        assert shown.header["typ"] == "token-introspection+jwt"
        assert is_signed(shown, Alg.RS256)
        assert shown.claims["aud"] == str(world.client_id)
        assert shown.claims["iat"] == int(api.clock.now().timestamp())
        plain = await introspected(api, world, value)
        assert shown.claims["token_introspection"] == plain
        assert "sub" not in shown.claims
        assert "exp" not in shown.claims

    async def test_of_a_token_that_is_none_it_says_so_and_no_more(self, api: Api) -> None:
        world = await a_client(api, introspection_signed_response_alg="ES256")
        form = {"token": "mth", **by_post(world)}

        response = await api.public.post(
            "/oauth2/introspect", data=form, headers={"Accept": SIGNED}
        )

        shown = read(await response.text())
        assert shown.header["alg"] == "ES256"
        assert shown.claims["token_introspection"] == {"active": False}
