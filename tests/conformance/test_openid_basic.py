"""OpenID Connect Core 1.0, as the plan `oidcc-basic-certification-test-plan` asks it.

Each condition is named after what it asks, and says where it is written.
"""

import base64
import hashlib
from typing import Any

import pytest

from tests.conformance.suite import S256, VERIFIED, Client, Suite
from tests.integration.mithril_api.oauth2.oauth import CHALLENGE

pytestmark = pytest.mark.asyncio(loop_scope="module")
ALL = "openid profile email phone offline_access"


class TestCodeFlow:
    """OIDC Core §3.1; oidcc-server and its neighbours."""

    @pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
    async def test_core_3_1_3_3_a_code_buys_a_checked_id_token_and_a_bearer_token(
        self, suite: Suite, method: str
    ) -> None:
        client = await suite.client(method)
        answer = await suite.authorize(client)

        found = await suite.exchange(client, answer.code)

        assert (answer.query["state"], answer.query["iss"]) == ("af0ifjsldkj", suite.issuer)
        assert (found.status, found.body["token_type"].lower()) == (200, "bearer")
        assert found.body["expires_in"] > 0
        assert found.headers["Cache-Control"] == "no-store"
        claims = await suite.claims(client, found.body["id_token"])
        half = hashlib.sha256(found.body["access_token"].encode()).digest()[:16]
        assert claims["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")
        assert (claims["nonce"], len(claims["sub"]) <= 255) == ("n-0S6_WzA2Mj", True)

    async def test_core_3_1_2_1_a_request_may_come_by_post(self, suite: Suite) -> None:
        answer = await suite.authorize(await suite.client(), by="POST")

        assert answer.code

    async def test_core_3_1_2_1_a_nonce_is_not_needed_in_the_code_flow(
        self, suite: Suite
    ) -> None:
        client = await suite.client()

        tokens = await suite.granted(client, nonce=...)

        assert "nonce" not in await suite.claims(client, tokens["id_token"])

    async def test_core_3_1_2_1_a_state_is_not_needed_and_then_not_returned(
        self, suite: Suite
    ) -> None:
        answer = await suite.authorize(await suite.client(), state=...)

        assert set(answer.query) == {"code", "iss"}

    @pytest.mark.parametrize(
        "but",
        [
            {"extra": "foobar"},
            {"display": "page"},
            {"display": "popup"},
            {"ui_locales": "se"},
            {"claims_locales": "se"},
            {"acr_values": "1 2"},
            {"login_hint": "somebody@example.com"},
            {"claims": '{"userinfo":{"name":{"essential":true}}}'},
            {"response_mode": "query"},
            S256,
        ],
        ids=str,
    )
    async def test_core_3_1_2_1_what_may_be_asked_may_be_asked(
        self, suite: Suite, but: dict[str, Any]
    ) -> None:
        client = await suite.client()
        answer = await suite.authorize(client, **but)

        proof = VERIFIED if but is S256 else {}
        found = await suite.exchange(client, answer.code, **proof)

        assert found.status == 200, found.body

    async def test_core_3_1_2_6_what_is_not_supported_is_said_so(
        self, suite: Suite
    ) -> None:
        client = await suite.client()
        none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")

        errors = [
            (await suite.authorize(client, **but)).error
            for but in (
                {"request": f"{none}.e30."},
                {"registration": "{}"},
                {"response_type": "id_token"},
                {"response_type": "code id_token"},
                {"response_type": "token"},
                {"response_type": ...},
            )
        ]

        assert errors == [
            "request_not_supported",
            "registration_not_supported",
            *["unsupported_response_type"] * 3,
            "invalid_request",
        ]

    async def test_core_3_1_2_6_a_user_who_refuses_is_told_of(self, suite: Suite) -> None:
        answer = await suite.authorize(await suite.client(), answer="deny")

        assert (answer.error, answer.query["state"]) == ("access_denied", "af0ifjsldkj")


class TestRedirects:
    """OIDC Core §3.1.2.1, RFC 6749 §3.1.2, RFC 9700 §4.1; oidcc-ensure-registered-redirect-uri."""

    @pytest.mark.parametrize(
        "uri",
        [
            ...,
            "https://rp.test/other",
            "https://rp.test/callback?more=1",
            "https://rp.test/callback/",
            "https://rp.test:443/callback",
            "https://RP.test/callback",
            "https://rp.test/callback#fragment",
            "https://rp.test/callback/../evil",
            "https://rp.test@evil.test/callback",
        ],
        ids=str,
    )
    async def test_another_than_the_registered_one_leads_nowhere(
        self, suite: Suite, uri: Any
    ) -> None:
        answer = await suite.authorize(await suite.client(), redirect_uri=uri)

        assert (answer.status, answer.location) == (400, "")

    async def test_rfc_6749_3_1_2_a_registered_query_is_kept(self, suite: Suite) -> None:
        client = await suite.client(redirect_uri="https://rp.test/callback?foo=bar&b=%2B")
        answer = await suite.authorize(client)

        found = await suite.exchange(client, answer.code)

        assert answer.location.startswith("https://rp.test/callback?")
        assert (answer.query["foo"], answer.query["b"]) == ("bar", "+")
        assert found.status == 200

    async def test_rfc_6749_4_1_3_at_the_token_endpoint_it_is_the_same(
        self, suite: Suite
    ) -> None:
        client = await suite.client()
        codes = [(await suite.authorize(client)).code for _ in range(2)]

        missing = await suite.exchange(client, codes[0], redirect_uri=...)
        other = await suite.exchange(client, codes[1], redirect_uri="https://rp.test/x")

        assert missing.refusal in {(400, "invalid_request"), (400, "invalid_grant")}
        assert other.refusal == (400, "invalid_grant")


class TestPrompts:
    """OIDC Core §3.1.2.1 and §3.1.2.3; oidcc-prompt-*, oidcc-max-age-*, oidcc-id-token-hint."""

    async def test_prompt_none_without_a_session_needs_a_login(self, suite: Suite) -> None:
        answer = await suite.authorize(await suite.client(), prompt="none")

        assert (answer.error, answer.query["state"]) == ("login_required", "af0ifjsldkj")

    async def test_prompt_none_with_a_session_is_the_same_sign_in(
        self, suite: Suite
    ) -> None:
        client, browser = await suite.client(), suite.browser()
        first = await self._signed_in(suite, client, browser)
        suite.pass_time(2)

        again = await self._signed_in(suite, client, browser, prompt="none")

        same = ("sub", "auth_time", "sid")
        assert [again[name] for name in same] == [first[name] for name in same]

    async def test_prompt_login_signs_in_anew(self, suite: Suite) -> None:
        client, browser = await suite.client(), suite.browser()
        first = await self._signed_in(suite, client, browser, max_age="10000")
        suite.pass_time(2)

        again = await self._signed_in(suite, client, browser, prompt="login")

        assert again["sub"] == first["sub"]
        assert again["auth_time"] > first["auth_time"]

    async def test_max_age_1_signs_in_anew_and_10000_does_not(self, suite: Suite) -> None:
        client, browser = await suite.client(), suite.browser()
        first = await self._signed_in(suite, client, browser)
        suite.pass_time(2)

        kept = await self._signed_in(suite, client, browser, max_age="10000")
        anew = await self._signed_in(suite, client, browser, max_age="1")

        assert kept["auth_time"] == first["auth_time"]
        assert anew["auth_time"] > first["auth_time"]

    @pytest.mark.parametrize(
        "but", [{"max_age": "1"}, {"max_age": "0"}, {"prompt": "login"}]
    )
    async def test_who_signed_in_for_the_request_may_take_time_to_answer_it(
        self, suite: Suite, but: dict[str, Any]
    ) -> None:
        answer = await suite.authorize(await suite.client(), hesitates=30, **but)

        assert answer.code

    async def test_prompt_none_and_an_old_session_need_a_login(self, suite: Suite) -> None:
        client, browser = await suite.client(), suite.browser()
        await self._signed_in(suite, client, browser)
        suite.pass_time(5)

        answer = await suite.authorize(client, browser, prompt="none", max_age="1")

        assert answer.error == "login_required"

    async def test_a_hint_names_the_user_and_another_user_is_not_taken_for_them(
        self, suite: Suite
    ) -> None:
        client, browser = await suite.client(), suite.browser()
        answer = await suite.authorize(client, browser)
        hint = (await suite.exchange(client, answer.code)).body["id_token"]

        same = await suite.authorize(client, browser, prompt="none", id_token_hint=hint)
        nobody = await suite.authorize(client, prompt="none", id_token_hint=hint)
        broken = await suite.authorize(client, browser, id_token_hint=hint[:-4] + "AAAA")

        assert same.code
        assert nobody.error == "login_required"
        assert broken.error == "invalid_request"

    async def test_prompt_none_stands_alone(self, suite: Suite) -> None:
        answer = await suite.authorize(await suite.client(), prompt="none login")

        assert answer.error == "invalid_request"

    async def _signed_in(
        self, suite: Suite, client: Client, browser: Any, **but: Any
    ) -> dict[str, Any]:
        answer = await suite.authorize(client, browser, **but)
        found = await suite.exchange(client, answer.code)
        return await suite.claims(client, found.body["id_token"])


class TestUserinfo:
    """OIDC Core §5.3, §5.4; oidcc-userinfo-*, oidcc-scope-*."""

    async def test_core_5_3_1_it_is_asked_by_get_post_and_form(self, suite: Suite) -> None:
        client = await suite.client()
        tokens = await suite.granted(client)
        value = tokens["access_token"]

        got = await suite.userinfo(value)
        posted = await suite.userinfo(value, "POST")
        formed = await suite.ask("POST", "/oauth2/userinfo", data={"access_token": value})

        claims = await suite.claims(client, tokens["id_token"])
        assert got.body == posted.body == formed.body == {"sub": claims["sub"]}
        assert got.headers["Content-Type"].startswith("application/json")

    @pytest.mark.parametrize(
        ("scope", "told"),
        [
            ("openid profile", {"updated_at"}),
            ("openid email", {"email"}),
            ("openid phone", set()),
            ("openid address", set()),
            ("openid profile email address phone", {"updated_at", "email"}),
        ],
    )
    async def test_core_5_4_a_scope_asks_for_claims(
        self, suite: Suite, scope: str, told: set[str]
    ) -> None:
        tokens = await suite.granted(await suite.client(), scope=scope)

        found = await suite.userinfo(tokens["access_token"])

        assert set(found.body) == {"sub"} | told

    async def test_rfc_6750_3_1_what_is_no_token_is_refused_in_the_header(
        self, suite: Suite
    ) -> None:
        bare = await suite.ask("GET", "/oauth2/userinfo")
        wrong = await suite.userinfo("wrong")
        query = await suite.ask("GET", "/oauth2/userinfo", params={"access_token": "x"})

        assert (bare.status, wrong.status) == (401, 401)
        assert "error" not in bare.headers["WWW-Authenticate"].split("Bearer")[1][:12]
        assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
        assert query.status in {400, 401}

    async def test_core_5_3_1_a_token_without_openid_is_of_insufficient_scope(
        self, suite: Suite
    ) -> None:
        tokens = await suite.granted(await suite.client(), scope="email")

        found = await suite.userinfo(tokens["access_token"])

        assert "id_token" not in tokens
        assert found.status == 403
        assert 'error="insufficient_scope"' in found.headers["WWW-Authenticate"]


class TestCodes:
    """RFC 6749 §4.1.2 and §4.1.3, RFC 7636 §4.6; oidcc-codereuse, oidcc-codereuse-30seconds."""

    async def test_a_second_use_is_refused_and_a_late_one_takes_the_tokens_along(
        self, suite: Suite
    ) -> None:
        client = await suite.client()
        code = (await suite.authorize(client)).code
        first = await suite.exchange(client, code)

        at_once = await suite.exchange(client, code)
        suite.pass_time(30)
        second = await suite.exchange(client, code)
        after = await suite.userinfo(first.body["access_token"])
        refreshed = await suite.refresh(client, first.body["refresh_token"])

        assert at_once.refusal == second.refusal == (400, "invalid_grant")
        assert after.status == 401
        assert refreshed.refusal == (400, "invalid_grant")

    async def test_a_code_is_of_one_client(self, suite: Suite) -> None:
        one, other = await suite.client(), await suite.client()
        code = (await suite.authorize(one)).code

        assert (await suite.exchange(other, code)).refusal == (400, "invalid_grant")

    async def test_a_verifier_must_be_the_one(self, suite: Suite) -> None:
        client = await suite.client()
        answers = [await suite.authorize(client, **S256) for _ in range(3)]
        wrong: list[Any] = [..., "wrong" * 10, CHALLENGE]

        found = [
            await suite.exchange(client, answer.code, code_verifier=value)
            for answer, value in zip(answers, wrong, strict=True)
        ]

        assert {answer.status for answer in found} == {400}
        assert {answer.body["error"] for answer in found} <= {
            "invalid_grant",
            "invalid_request",
        }

    async def test_rfc_6749_5_2_an_error_has_its_shape(self, suite: Suite) -> None:
        client = await suite.client()

        answers = [
            await suite.exchange(client, "wrong"),
            await suite.exchange(client, "wrong", grant_type="urn:unknown"),
            await suite.exchange(client, ...),
            await suite.refresh(client, "wrong"),
        ]

        assert [answer.refusal for answer in answers] == [
            (400, "invalid_grant"),
            (400, "unsupported_grant_type"),
            (400, "invalid_request"),
            (400, "invalid_grant"),
        ]
        for answer in answers:
            assert set(answer.body) <= {"error", "error_description", "error_uri"}
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Content-Type"].startswith("application/json")

    async def test_a_client_that_does_not_prove_itself_gets_401(self, suite: Suite) -> None:
        client = await suite.client("client_secret_basic")
        code = (await suite.authorize(client)).code
        client.secret = "wrong"

        found = await suite.exchange(client, code)

        assert found.refusal == (401, "invalid_client")
        assert found.headers["WWW-Authenticate"].startswith("Basic")


class TestRefreshing:
    """OIDC Core §12; oidcc-refresh-token, oidcc-refresh-token-rp-key-rotation."""

    async def test_core_12_2_the_new_id_token_is_of_the_same_sign_in(
        self, suite: Suite
    ) -> None:
        client = await suite.client()
        tokens = await suite.granted(client, scope=ALL)
        first = await suite.claims(client, tokens["id_token"])
        suite.pass_time(2)

        found = await suite.refresh(client, tokens["refresh_token"])

        again = await suite.claims(client, found.body["id_token"])
        for name in ("iss", "sub", "aud", "auth_time"):
            assert again[name] == first[name]
        assert again["iat"] > first["iat"]
        assert again.get("nonce", first["nonce"]) == first["nonce"]
        assert found.body["access_token"] != tokens["access_token"]

    async def test_core_12_1_another_client_cannot(self, suite: Suite) -> None:
        one, other = await suite.client(), await suite.client()
        tokens = await suite.granted(one)

        found = await suite.refresh(other, tokens["refresh_token"])

        assert found.refusal == (400, "invalid_grant")
        assert (await suite.refresh(one, tokens["refresh_token"])).status == 200
