"""OpenID Connect: who signed in, when and how; and what a client may know of them."""

from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from services.mithril_api.actions.oauth2 import keep_signing_keys, signing
from services.mithril_api.domain.oauth2.signing_keys import Alg
from shared.models.schema import mithril as tables
from shared.wire import jws
from tests.builders import World, a_pair, give_keys
from tests.integration.mithril_api.asking import bearer
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.oauth2.oauth import (
    Answered,
    a_client,
    a_code,
    a_session,
    allow,
    asked,
    authorize,
    begun,
    by_post,
    client_credentials,
    exchange,
    post,
    query_of,
    refresh,
    show,
    token,
)

KNOWN = "openid profile email phone offline_access"


@pytest.fixture(autouse=True)
async def keys_are_there(api: Api) -> None:
    """An RSA key takes long to make."""
    await give_keys(api.deps)


def issuer(api: Api) -> str:
    return str(api.public.make_url("")).rstrip("/")


def claims_of(value: str) -> dict[str, Any]:
    shown = jws.read(value)
    assert shown is not None
    return dict(shown.claims)


async def userinfo(api: Api, value: str, method: str = "GET", **but: Any) -> Answered:
    response = await api.public.request(
        method, "/oauth2/userinfo", headers=bearer(value), **but
    )
    return Answered(response.status, await response.json(), response.headers)


async def sign(api: Api, claims: Any, *, typ: str = "JWT", alg: Alg = Alg.RS256) -> str:
    return (await signing.signer_of(api.deps, alg)).sign(claims, typ=typ)


async def granted(api: Api, world: World, **but: Any) -> dict[str, Any]:
    """Tokens for an authorization request with these parameters."""
    answer = await exchange(api, world, await a_code(api, world, **but))
    assert answer.status == 200, answer.body
    return answer.body


async def an_id_token(api: Api, world: World, **but: Any) -> str:
    tokens = await granted(api, world, **{"scope": "openid", **but})
    return str(tokens["id_token"])


class TestIdTokens:
    async def test_one_tells_who_signed_in_when_how_and_for_whom(self, api: Api) -> None:
        world = await a_client(api)
        request_uri = await begun(api, world, scope="openid episode:read", nonce="n-1")
        session = await a_session(api, world, age=30)
        code = query_of((await allow(api, world, request_uri, session)).headers["Location"])

        answer = await exchange(api, world, code["code"])

        now = int(api.clock.now().timestamp())
        value = answer.body["id_token"]
        claims = claims_of(value)
        sid = claims.pop("sid")
        signer = await signing.signer_of(api.deps, Alg.RS256)
        assert answer.body["scope"] == "openid episode:read"
        assert claims == {
            "iss": issuer(api),
            "sub": str(world.user_id),
            "aud": str(world.client_id),
            "iat": now,
            "exp": now + 3600,
            "auth_time": now - 30,
            "nonce": "n-1",
            "amr": ["pwd"],
            "at_hash": signer.left_half(answer.body["access_token"]),
        }
        assert len(sid) == 36
        keys = await (await api.public.get("/oauth2/jwks")).json(content_type=None)
        read = jwt.decode(value, KeySet.import_key_set(keys), algorithms=["RS256"])
        assert read.claims["sub"] == str(world.user_id)

    async def test_there_is_none_where_the_user_was_not_asked_who_they_are(
        self, api: Api
    ) -> None:
        world = await a_client(api)

        assert "id_token" not in await granted(api, world, scope="episode:read")
        own = await token(api, client_credentials(scope="openid", **by_post(world)))
        assert own.refusal == (400, "invalid_scope")

    async def test_one_comes_with_every_refresh_and_tells_of_the_same_sign_in(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        first = await granted(api, world, scope="openid episode:read", nonce="n-1")
        before = claims_of(first["id_token"])
        api.clock.advance(timedelta(minutes=10))

        second = await refresh(api, world, first["refresh_token"])
        third = await refresh(api, world, second.body["refresh_token"])
        narrowed = await refresh(
            api, world, third.body["refresh_token"], scope="episode:read"
        )

        for answer in (second, third):
            after = claims_of(answer.body["id_token"])
            assert "nonce" not in after
            for name in ("iss", "sub", "aud", "auth_time", "amr", "sid"):
                assert after[name] == before[name]
            assert after["iat"] == before["iat"] + 600
        assert "id_token" not in narrowed.body

    @pytest.mark.parametrize("alg", Alg)
    async def test_a_client_has_it_signed_as_it_is_registered(
        self, api: Api, alg: Alg
    ) -> None:
        world = await a_client(api, id_token_signed_response_alg=str(alg))

        shown = jws.read(await an_id_token(api, world))

        assert shown is not None
        assert shown.header == {"alg": alg, "kid": a_pair(alg).kid, "typ": "JWT"}

    async def test_two_clients_of_one_session_are_told_the_same_session(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        session = await a_session(api, world)
        seen = set()
        for _ in range(2):
            request_uri = await begun(api, world, scope="openid")
            answer = await allow(api, world, request_uri, session)
            code = query_of(answer.headers["Location"])["code"]
            seen.add(claims_of((await exchange(api, world, code)).body["id_token"])["sid"])
        other = claims_of(await an_id_token(api, world))["sid"]

        assert len(seen) == 1
        assert other not in seen

    async def test_the_sign_in_is_not_shown_where_codes_are(self, api: Api) -> None:
        world = await a_client(api)
        request_uri = await begun(api, world, scope="openid", nonce="n-0S6_WzA2Mj")

        answer = await allow(api, world, request_uri, await a_session(api, world))

        assert "n-0S6_WzA2Mj" not in str(answer.body)
        assert "sign_in" not in answer.body["data"]["details"]


class TestCodes:
    async def test_a_code_of_the_standards_lives_a_minute(self, api: Api) -> None:
        world = await a_client(api)
        code = await a_code(api, world)
        other = await a_code(api, world)
        api.clock.advance(timedelta(seconds=59))
        in_time = await exchange(api, world, code)
        api.clock.advance(timedelta(seconds=1))
        late = await exchange(api, world, other)

        assert in_time.status == 200
        assert late.refusal == (400, "invalid_grant")


class TestScopes:
    async def test_what_tells_who_the_user_is_needs_consent_but_no_role(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        request_uri = await begun(api, world, scope=f"{KNOWN} episode:read")

        shown = await show(api, world, request_uri, await a_session(api, world))

        assert shown.body["data"]["new"] == KNOWN
        assert shown.body["data"]["granted"] == "episode:read"

    async def test_the_contract_beside_the_standards_does_not_know_them(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        app = {
            "client_id": str(world.client_id),
            "redirect_uri": world.redirect_uri,
            "scope": "openid",
        }

        response = await api.public.post(
            "/oauth/apps/authorize",
            json={"app": app},
            headers=bearer(await a_session(api, world)),
        )

        assert response.status == 422


class TestUserinfo:
    async def test_each_scope_gives_what_it_says_and_what_is_known(self, api: Api) -> None:
        world = await a_client(api)
        all_of_it = await granted(api, world, scope=KNOWN)
        little = await granted(api, world, scope="openid")

        told = await userinfo(api, all_of_it["access_token"])

        assert told.status == 200
        assert told.headers["Cache-Control"] == "no-store"
        assert set(told.body) == {"sub", "email", "updated_at"}
        assert told.body["sub"] == claims_of(all_of_it["id_token"])["sub"]
        assert told.body["email"] == world.email
        less = await userinfo(api, little["access_token"])
        assert less.body == {"sub": str(world.user_id)}

    async def test_a_token_may_come_in_the_form_of_a_post(self, api: Api) -> None:
        world = await a_client(api)
        tokens = await granted(api, world, scope="openid")

        form = await post(api, "/oauth2/userinfo", {"access_token": tokens["access_token"]})
        header = await userinfo(api, tokens["access_token"], "POST")
        both = await userinfo(
            api,
            tokens["access_token"],
            "POST",
            data={"access_token": tokens["access_token"]},
        )

        assert (form.status, header.status) == (200, 200)
        assert both.refusal == (400, "invalid_request")

    async def test_without_a_token_one_is_asked_for_and_no_error_is_named(
        self, api: Api
    ) -> None:
        response = await api.public.get("/oauth2/userinfo")

        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="mithril"'

    async def test_a_token_that_does_not_hold_openid_is_told_what_is_missing(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        tokens = await granted(api, world)

        answer = await userinfo(api, tokens["access_token"])

        assert answer.refusal == (403, "insufficient_scope")
        challenge = answer.headers["WWW-Authenticate"]
        assert 'error="insufficient_scope"' in challenge
        assert 'scope="openid"' in challenge

    @pytest.mark.parametrize(
        "value", ["nothing", "mth" + "0" * 29, "e30.e30.AAAA", "' OR 1=1", "x" * 5000]
    )
    async def test_what_is_no_live_token_is_refused(self, api: Api, value: str) -> None:
        answer = await userinfo(api, value)

        assert answer.refusal == (401, "invalid_token")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]

    async def test_neither_an_id_token_nor_a_revoked_token_gives_anything(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        tokens = await granted(api, world, scope="openid")
        form = {"token": tokens["access_token"], **by_post(world)}
        await post(api, "/oauth2/revoke", form)

        for value in (tokens["access_token"], tokens["id_token"], tokens["refresh_token"]):
            answer = await userinfo(api, value)
            assert answer.refusal == (401, "invalid_token")

    async def test_a_clients_own_token_tells_of_no_user(self, api: Api) -> None:
        world = await a_client(api)
        kinds = tables.client_types
        mine = kinds.update().where(kinds.c.id == world.client_type_id)
        async with api.deps.db.begin() as conn:
            await conn.execute(mine.values(scope=["openid"]))
        form = client_credentials(scope="openid", **by_post(world))
        own = await token(api, form)

        answer = await userinfo(api, own.body["access_token"])

        assert "id_token" not in own.body
        assert answer.refusal == (401, "invalid_token")

    async def test_a_token_in_a_query_is_refused_since_queries_are_logged(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        tokens = await granted(api, world, scope="openid")

        answer = await userinfo(
            api, tokens["access_token"], params={"access_token": tokens["access_token"]}
        )

        assert answer.refusal == (400, "invalid_request")


class TestHints:
    async def test_the_user_who_is_meant_is_let_through_and_another_has_to_sign_in(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        hint = await an_id_token(api, world)
        theirs = {**claims_of(hint), "sub": str(api.deps.entropy.uuid())}
        others = await sign(api, theirs)
        session = await a_session(api, world)

        seen = []
        for shown in (hint, others):
            request_uri = await begun(api, world, scope="openid", id_token_hint=shown)
            seen.append((await show(api, world, request_uri, session)).status)
            seen.append((await allow(api, world, request_uri, session)).status)

        assert seen == [200, 201, 401, 401]

    async def test_one_that_expired_long_ago_still_says_who_is_meant(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        hint = await an_id_token(api, world)
        await keep_signing_keys.rotate_signing_keys(api.deps, [Alg.RS256])
        api.clock.advance(timedelta(days=60))

        assert await begun(api, world, scope="openid", id_token_hint=hint)

    async def test_what_is_not_an_id_token_for_the_client_is_refused(
        self, api: Api
    ) -> None:
        world, other = await a_client(api), await a_client(api)
        good = await an_id_token(api, world)
        claims = claims_of(good)
        head, body, signature = good.split(".")
        wrong = [
            await an_id_token(api, other),
            await sign(api, {**claims, "iss": "https://elsewhere.test"}),
            await sign(api, {**claims, "aud": [claims["aud"]]}),
            await sign(api, {**claims, "sub": 7}),
            await sign(api, claims, typ="at+jwt"),
            await sign(api, claims, typ="logout+jwt"),
            f"{head}.{body}.{signature[:-4]}AAAA",
            f"eyJhbGciOiJub25lIn0.{body}.AAAA",
            "x" * 5000,
        ]

        for hint in wrong:
            query = asked(world, scope="openid", id_token_hint=hint)
            status, location, _ = await authorize(api, query)
            assert (status, query_of(location)["error"]) == (303, "invalid_request")

    async def test_it_says_for_whom_the_user_signs_out(self, api: Api) -> None:
        home = "https://clinic.test/bye"
        world = await a_client(api, post_logout_redirect_uris=[home])
        other = await a_client(api)
        hint = await an_id_token(api, world)
        wish = {"post_logout_redirect_uri": home}

        async def sent(**query: str) -> tuple[int, str]:
            response = await api.public.get(
                "/oauth2/logout", params={**wish, **query}, allow_redirects=False
            )
            return response.status, response.headers.get("Location", "")

        status, location = await sent(id_token_hint=hint)
        assert status == 303
        assert query_of(location) == {"client_id": str(world.client_id), **wish}
        assert (await sent(id_token_hint=hint, client_id=str(other.client_id)))[0] == 400
        assert (await sent(id_token_hint=hint[:-4] + "AAAA"))[0] == 400
        assert (await sent())[0] == 400
