"""DPoP: tokens that are worth nothing without the key that they are bound to (RFC 9449)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.mithril_api.app import build
from shared.wire import dpop
from tests.builders import World
from tests.integration.mithril_api.asking import bearer
from tests.integration.mithril_api.conftest import Api, settings_for
from tests.integration.mithril_api.oauth2.oauth import (
    SECRETLESS,
    Answered,
    a_client,
    a_code,
    a_session,
    allow,
    asked,
    authorize,
    basic,
    by_id,
    by_post,
    client_credentials,
    exchange,
    post,
    query_of,
    refresh,
    token,
)
from tests.integration.mithril_api.oauth2.proving import (
    a_client_by_key,
    a_key,
    assertion,
    by_assertion,
    issuer_of,
    nonce,
    now_of,
    proof,
    proved,
    thumbprint,
)

BOUND = {"dpop_bound_access_tokens": True}
UNPROVED = (400, "invalid_dpop_proof")


async def bought(
    api: Api, world: World, code: str, key: Any = None, **but: Any
) -> Answered:
    """Exchange a code with a proof."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": world.redirect_uri,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        **by_post(world),
        **but,
    }
    return await proved(api, form, key)


async def refreshed(
    api: Api, world: World, value: str, key: Any = None, **but: Any
) -> Answered:
    """Refresh with a proof."""
    form = {"grant_type": "refresh_token", "refresh_token": value, **by_post(world), **but}
    return await proved(api, form, key)


async def introspected(api: Api, value: str) -> dict[str, Any]:
    response = await api.internal.post("/oauth2/introspect", data={"token": value})
    body: dict[str, Any] = await response.json()
    return body


class TestTokens:
    """What is issued with a proof is bound to its key."""

    async def test_every_grant_binds_and_every_teller_tells(self, api: Api) -> None:
        world = await a_client(api)
        alone = await proved(api, client_credentials(**by_post(world)))
        begun = await bought(api, world, await a_code(api, world))
        again = await refreshed(api, world, begun.body["refresh_token"])
        repeated = await refreshed(api, world, begun.body["refresh_token"])

        assert again.body["refresh_token"] == repeated.body["refresh_token"]
        for answer in (alone, begun, again, repeated):
            assert (answer.status, answer.body["token_type"]) == (200, "DPoP")
            value = answer.body["access_token"]
            told = await introspected(api, value)
            assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": thumbprint()})
            verified = await api.internal.get(f"/admin/tokens/{value}/verify")
            details = (await verified.json())["data"]["details"]
            assert details["cnf"] == {"jkt": thumbprint()}

    async def test_a_client_that_must_bind_gets_nothing_without_a_proof(
        self, api: Api
    ) -> None:
        world = await a_client(api, **BOUND)
        begun = await bought(api, world, await a_code(api, world))
        answers = [
            await token(api, client_credentials(**by_post(world))),
            await exchange(api, world, await a_code(api, world)),
            await refresh(api, world, begun.body["refresh_token"]),
        ]

        assert {answer.refusal for answer in answers} == {UNPROVED}
        assert all("DPoP-Nonce" in answer.headers for answer in answers)

    async def test_of_a_public_client_the_refresh_token_is_bound_to_the_key(
        self, api: Api
    ) -> None:
        world = await a_client(api, **SECRETLESS)
        bare = {"client_secret": ...}
        begun = await bought(api, world, await a_code(api, world), **bare)
        value = begun.body["refresh_token"]

        another = await refreshed(api, world, value, a_key("two"), **bare)
        without = await refresh(api, world, value, **bare)
        right = await refreshed(api, world, value, **bare)
        api.clock.advance(timedelta(minutes=1))
        late = await refreshed(api, world, value, a_key("two"), **bare)
        after = await refreshed(api, world, right.body["refresh_token"], **bare)

        assert another.refusal == without.refusal == late.refusal == (400, "invalid_grant")
        assert (right.status, after.status) == (200, 200)
        assert (await introspected(api, value)) == {"active": False}

    async def test_a_client_that_authenticates_may_change_keys_and_not_go_without(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        begun = await bought(api, world, await a_code(api, world))
        value = begun.body["refresh_token"]
        at_ehealth = world.refresh_body(refresh_token=value)

        without = await refresh(api, world, value)
        elsewhere = await api.public.post("/oauth/tokens", json=at_ehealth)
        another = await refreshed(api, world, value, a_key("two"))

        assert without.refusal == (400, "invalid_grant")
        assert elsewhere.status == 401
        told = await introspected(api, another.body["access_token"])
        assert told["cnf"] == {"jkt": thumbprint(a_key("two"))}

    async def test_a_bearer_family_may_become_bound_and_stays_what_it_is(
        self, api: Api
    ) -> None:
        world = await a_client(api)

        bound = await refreshed(api, world, world.refresh.value)
        after = await refresh(api, world, bound.body["refresh_token"])

        assert bound.body["token_type"] == "DPoP"
        assert after.body["token_type"] == "Bearer"


class TestCodes:
    """A code is bound to the key that its request named (§10)."""

    async def test_it_is_bought_by_that_key_alone(self, api: Api) -> None:
        world = await a_client(api)
        code = await a_code(api, world, dpop_jkt=thumbprint())
        ehealth = {
            "grant_type": "authorization_code",
            "client_id": str(world.client_id),
            "client_secret": world.client_secret,
            "code": code,
            "redirect_uri": world.redirect_uri,
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        }

        without = await exchange(api, world, code)
        another = await bought(api, world, code, a_key("two"))
        elsewhere = await api.public.post("/oauth/tokens", json={"token": ehealth})
        right = await bought(api, world, code)

        assert without.refusal == another.refusal == (400, "invalid_grant")
        assert (elsewhere.status, right.status) == (401, 200)

    async def test_a_proof_that_is_pushed_along_binds_it(self, api: Api) -> None:
        world = await a_client(api)
        sent = {"DPoP": proof(api, "/oauth2/par", nonce=await nonce(api))}
        form = {**asked(world), **by_post(world)}
        pushed = await post(api, "/oauth2/par", form, sent)
        assert (pushed.status, "DPoP-Nonce" in pushed.headers) == (201, True)
        query = {**by_id(world), "request_uri": pushed.body["request_uri"]}
        _, location, _ = await authorize(api, query)
        session = await a_session(api, world)
        granted = await allow(api, world, query_of(location)["request_uri"], session)
        code = query_of(granted.headers["Location"])["code"]

        assert (await exchange(api, world, code)).refusal == (400, "invalid_grant")
        assert (await bought(api, world, code)).status == 200

    async def test_a_key_and_a_proof_of_another_are_refused(self, api: Api) -> None:
        world = await a_client(api)
        sent = {"DPoP": proof(api, "/oauth2/par", nonce=await nonce(api))}
        form = {**asked(world, dpop_jkt=thumbprint(a_key("two"))), **by_post(world)}

        assert (await post(api, "/oauth2/par", form, sent)).refusal == UNPROVED


class TestProofs:
    """What a proof must say where tokens are issued."""

    async def test_what_proves_nothing_is_refused_and_told_why(self, api: Api) -> None:
        world, now, key = await a_client(api), now_of(api), a_key()
        form, known = client_credentials(**by_post(world)), {"nonce": await nonce(api)}
        bad: dict[str, dict[str, Any]] = {
            "another method": {"htm": "GET"},
            "another endpoint": {"htu": f"{issuer_of(api)}/oauth2/par"},
            "another server": {"htu": "https://else.test/oauth2/token"},
            "old": {"iat": now - 301},
            "of the future": {"iat": now + 61},
            "a key with its private part": {"header": {"jwk": key.as_dict(private=True)}},
            "no type": {"header": {"typ": "JWT"}},
            "another key than its signer": {"header": {"jwk": a_key("two").as_dict()}},
        }
        for name, but in bad.items():
            sent = {"DPoP": proof(api, **known, **but)}
            answer = await token(api, form, sent)
            assert answer.refusal == UNPROVED, name
            assert answer.headers["DPoP-Nonce"]
        for text in ("", "a.b.c", "x" * 8180, "e30.e30.e30"):
            assert (await token(api, form, {"DPoP": text})).refusal == UNPROVED
        twice = [("DPoP", proof(api, **known)), ("DPoP", proof(api, **known))]
        response = await api.public.post("/oauth2/token", data=form, headers=twice)
        assert (response.status, (await response.json())["error"]) == UNPROVED
        assert (await token(api, form, {"DPoP": proof(api, **known)})).status == 200

    async def test_a_nonce_of_ours_is_asked_for_and_told(self, api: Api) -> None:
        world = await a_client(api)
        form = client_credentials(**by_post(world))
        first = await token(api, form, {"DPoP": proof(api)})
        known = first.headers["DPoP-Nonce"]
        wrong = await token(api, form, {"DPoP": proof(api, nonce="A" * 32)})
        # Whose clock is slow is helped by the nonce.
        slow = proof(api, nonce=known, iat=now_of(api) - 290)
        right = await token(api, form, {"DPoP": slow})
        api.clock.advance(timedelta(minutes=5))
        stale = await token(api, form, {"DPoP": proof(api, nonce=known)})

        assert first.refusal == wrong.refusal == stale.refusal == (400, "use_dpop_nonce")
        assert right.status == 200
        assert right.headers["DPoP-Nonce"] == known != stale.headers["DPoP-Nonce"]

    @pytest.mark.parametrize("same_keys", [True, False])
    async def test_a_nonce_of_another_process_is_known_and_of_another_server_not(
        self, api: Api, mithril_database: str, same_keys: bool
    ) -> None:
        world = await a_client(api)
        but: dict[str, Any] = {}
        if not same_keys:
            but = {"secret_keys": ("another-key-for-tests-0123",)}
        other = build(
            settings_for(mithril_database, issuer=issuer_of(api), **but), clock=api.clock
        )
        async with TestClient(TestServer(other.public)) as client:
            headers = {"DPoP": proof(api)}
            first = await client.post(
                "/oauth2/token", data={"grant_type": "x"}, headers=headers
            )
        await other.deps.db.dispose()
        other.deps.passwords.close()
        known = first.headers["DPoP-Nonce"]

        answer = await token(
            api, client_credentials(**by_post(world)), {"DPoP": proof(api, nonce=known)}
        )

        assert (answer.status == 200) is same_keys

    async def test_where_nonces_are_optional_a_proof_needs_none(
        self, mithril_database: str, api: Api
    ) -> None:
        world = await a_client(api)
        other = build(
            settings_for(mithril_database, issuer=issuer_of(api), dpop_nonce="optional"),
            clock=api.clock,
        )
        form = client_credentials(**by_post(world))
        async with TestClient(TestServer(other.public)) as client:
            statuses = [
                (
                    await client.post("/oauth2/token", data=form, headers={"DPoP": text})
                ).status
                for text in (
                    proof(api),
                    proof(api, nonce="A" * 32),
                    proof(api, iat=now_of(api) - 61),
                )
            ]
        await other.deps.db.dispose()
        other.deps.passwords.close()

        assert statuses == [200, 400, 400]

    async def test_of_many_at_once_with_one_proof_one_passes(self, api: Api) -> None:
        world = await a_client(api)
        form = client_credentials(**by_post(world))
        sent = {"DPoP": proof(api, nonce=await nonce(api))}

        answers = await asyncio.gather(*(token(api, form, sent) for _ in range(6)))

        assert sorted(answer.status for answer in answers) == [200] + [400] * 5
        refusals = {answer.refusal for answer in answers if answer.status != 200}
        assert refusals == {UNPROVED}

    async def test_an_assertion_is_not_used_up_by_a_proof_without_nonce(
        self, api: Api
    ) -> None:
        world = await a_client_by_key(api, **BOUND)
        form = client_credentials(**by_assertion(assertion(api, world)))
        form = {name: value for name, value in form.items() if value is not ...}

        first = await token(api, form, {"DPoP": proof(api)})
        known = {"nonce": first.headers["DPoP-Nonce"]}
        second = await token(api, form, {"DPoP": proof(api, **known)})

        assert (first.status, second.status) == (400, 200)

    async def test_who_does_not_prove_its_client_has_no_signature_looked_at(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        text = proof(api, nonce=await nonce(api), header={"jwk": a_key("two").as_dict()})
        form = client_credentials(**{**by_post(world), "client_secret": "wrong"})

        assert (await token(api, form, {"DPoP": text})).refusal == (401, "invalid_client")


class TestPages:
    """A page of another origin can send proofs and read nonces (CORS)."""

    async def test_the_headers_are_allowed_and_exposed(self, api: Api) -> None:
        origin = {"Origin": "https://app.test"}
        asked_for = {**origin, "Access-Control-Request-Method": "POST"}

        may = await api.public.options("/oauth2/token", headers=asked_for)
        answer = await api.public.post(
            "/oauth2/token",
            data={"grant_type": "x"},
            headers={**origin, "DPoP": proof(api)},
        )

        assert "DPoP" in may.headers["Access-Control-Allow-Headers"].split(", ")
        assert "DPoP-Nonce" in answer.headers["Access-Control-Expose-Headers"].split(", ")


class TestTaking:
    """Where mithril-api itself takes tokens."""

    async def a_token(self, api: Api) -> tuple[World, str]:
        world = await a_client(api)
        tokens = await bought(api, world, await a_code(api, world, scope="user:read"))
        return world, tokens.body["access_token"]

    async def test_a_bound_token_is_taken_with_a_proof_for_it_and_once(
        self, api: Api
    ) -> None:
        _, value = await self.a_token(api)
        made = {"htm": "GET", "token": value}
        path = "/oauth/user"
        good = proof(api, path, **made)

        async def status(text: str | None, scheme: str = "DPoP") -> int:
            headers = {"Authorization": f"{scheme} {value}"}
            if text is not None:
                headers["DPoP"] = text
            return (await api.public.get(path, headers=headers)).status

        assert await status(good) == 200
        assert await status(good) == 401
        for wrong in (
            None,
            proof(api, path, htm="GET"),
            proof(api, path, htm="GET", token="another"),
            proof(api, path, token=value),
            proof(api, "/oauth/apps", **made),
            proof(api, path, key=a_key("two"), **made),
            proof(api, path, iat=now_of(api) - 61, **made),
        ):
            assert await status(wrong) == 401
        assert await status(None, "Bearer") == 401
        assert await status(proof(api, path, **made), "Bearer") == 401
        assert await status(proof(api, path, **made)) == 200

    async def test_it_is_told_how_to_show_it(self, api: Api) -> None:
        _, value = await self.a_token(api)

        answer = await api.public.get(
            "/oauth/user", headers={"Authorization": f"DPoP {value}"}
        )

        said = answer.headers["WWW-Authenticate"]
        assert said.startswith('DPoP error="invalid_token"')
        assert f'algs="{" ".join(dpop.ALGORITHMS)}"' in said

    async def test_where_the_proof_alone_is_at_fault_the_token_is_not_said_to_be(
        self, api: Api
    ) -> None:
        _, value = await self.a_token(api)
        good = proof(api, "/oauth/user", htm="GET", token=value)
        old = proof(api, "/oauth/user", htm="GET", token=value, iat=now_of(api) - 61)
        for text in (good, good, old):  # the second time it came before
            answer = await api.public.get(
                "/oauth/user", headers={"Authorization": f"DPoP {value}", "DPoP": text}
            )

            if answer.status != 200:
                said = answer.headers["WWW-Authenticate"]
                assert said.startswith('DPoP error="invalid_dpop_proof"')
        assert answer.status == 401

    async def test_a_bearer_token_is_not_taken_as_if_it_were_bound(self, api: Api) -> None:
        world = await a_client(api)
        code = await a_code(api, world, scope="user:read")
        value = (await exchange(api, world, code)).body["access_token"]
        sent = {
            "Authorization": f"DPoP {value}",
            "DPoP": proof(api, "/oauth/user", htm="GET", token=value),
        }

        assert (await api.public.get("/oauth/user", headers=sent)).status == 401
        assert (await api.public.get("/oauth/user", headers=bearer(value))).status == 200

    async def test_a_bound_token_is_no_bearer_at_the_admin_api_nor_a_session(
        self, api: Api
    ) -> None:
        world, value = await self.a_token(api)
        path = f"/admin/users/{world.user_id}"
        made = proof(api, path, htm="GET", token=value)
        shown = {"Authorization": f"DPoP {value}", "DPoP": made}
        at_admin = issuer_of(api).replace(
            str(api.public.make_url("").port), str(api.internal.make_url("").port)
        )
        right = proof(api, htm="GET", token=value, htu=at_admin + path)

        as_bearer = await api.internal.get(path, headers=bearer(value))
        elsewhere = await api.internal.get(path, headers=shown)
        proved_ = await api.internal.get(path, headers={**shown, "DPoP": right})
        signed_out = await api.public.post("/auth/logout", headers=bearer(value))

        assert (as_bearer.status, elsewhere.status, proved_.status) == (401, 401, 200)
        assert signed_out.status == 401

    async def test_behind_a_proxy_the_configured_issuer_is_the_address(
        self, api: Api, mithril_database: str
    ) -> None:
        world = await a_client(api)
        other = build(
            settings_for(
                mithril_database, issuer="https://mithril.test", dpop_nonce="optional"
            ),
            clock=api.clock,
        )
        form = client_credentials(**by_post(world))
        at_issuer = proof(api, htu="https://MITHRIL.test:443/oauth2/token?x#y")
        async with TestClient(TestServer(other.public)) as client:
            here = {"DPoP": proof(api, htu=str(client.make_url("/oauth2/token")))}
            wrong = await client.post("/oauth2/token", data=form, headers=here)
            right = await client.post(
                "/oauth2/token", data=form, headers={"DPoP": at_issuer}
            )
        await other.deps.db.dispose()
        other.deps.passwords.close()

        assert (wrong.status, right.status) == (400, 200)


async def test_basic_and_a_proof_go_together(api: Api) -> None:
    world = await a_client(api)
    sent = {**basic(world), "DPoP": proof(api, nonce=await nonce(api))}

    assert (await token(api, client_credentials(), sent)).status == 200
