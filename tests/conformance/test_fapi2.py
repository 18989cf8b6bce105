"""FAPI 2.0 Security Profile (final), as `fapi2-security-profile-final-test-plan` asks it.

With private_key_jwt, and tokens bound by DPoP or by mutual TLS; what is asked of both is
asked with both. TLS itself is the ingress's.
"""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.certificates import a_certificate
from tests.conformance.conftest import CERTIFICATE
from tests.conformance.conftest import VERIFIED as CHAIN
from tests.conformance.suite import S256, VERIFIED, Answer, Client, Suite
from tests.integration.mithril_api.oauth2.oauth import CHALLENGE, Answered
from tests.integration.mithril_api.oauth2.proving import a_key, thumbprint

pytestmark = pytest.mark.asyncio(loop_scope="module")
AUTHORITY = "CN=authority"
NOBODY = "11111111-1111-4111-8111-111111111111"


@dataclass(kw_only=True)
class Relying:
    """A client of the profile. `dpop`: whether its tokens are bound so, or by certificate."""

    suite: Suite
    client: Client
    dpop: bool

    @property
    def issuer(self) -> str:
        return self.suite.issuer

    async def push(self, dpop: Any = None, **but: Any) -> Answered:
        form = self.suite.asked(self.client, **{**S256, **but})
        return await self.suite.post(self.client, "/oauth2/par", form, dpop=dpop)

    async def led(self, request_uri: str, **but: Any) -> Answer:
        asked = {"client_id": self.client.id, "request_uri": request_uri, **but}
        answer = asked.pop("answer", "allow")
        return await self.suite.led(asked, answer=answer)

    async def code(self, **but: Any) -> str:
        pushed = await self.push(**but)
        assert pushed.status == 201, pushed.body
        return (await self.led(pushed.body["request_uri"])).code

    async def exchange(self, code: str, **but: Any) -> Answered:
        given = {"dpop": {} if self.dpop else None, **VERIFIED, **but}
        return await self.suite.exchange(self.client, code, **given)

    async def tokens(self, **but: Any) -> dict[str, Any]:
        found = await self.exchange(await self.code(**but))
        assert found.status == 200, found.body
        return found.body

    async def refresh(self, token: str, **but: Any) -> Answered:
        given = {"dpop": {} if self.dpop else None, **but}
        return await self.suite.refresh(self.client, token, **given)

    async def resource(self, token: str, **but: Any) -> Answered:
        headers = {"Authorization": f"Bearer {token}", **self.client.headers}
        if self.dpop:
            made = but if "ath" in but else {**but, "token": token}
            proof = self.suite.proof("/oauth2/userinfo", "GET", **made)
            headers |= {"Authorization": f"DPoP {token}", "DPoP": proof}
        return await self.suite.ask("GET", "/oauth2/userinfo", headers=headers)


async def registered(suite: Suite, *, dpop: bool, **settings: Any) -> Relying:
    """A client of the profile, by the admin API."""
    bound = "dpop_bound_access_tokens"
    if not dpop:
        bound = "tls_client_certificate_bound_access_tokens"
    made = await suite.client(
        "private_key_jwt",
        headers=None if dpop else certificate("CN=rp"),
        require_pushed_authorization_requests=True,
        **{bound: True, **settings},
    )
    return Relying(suite=suite, client=made, dpop=dpop)


def certificate(subject: str) -> dict[str, str]:
    """What the ingress says of the client's certificate."""
    made = a_certificate(subject, by=AUTHORITY)
    return {CERTIFICATE: made.escaped(), CHAIN: "SUCCESS"}


@pytest_asyncio.fixture(loop_scope="module", params=["dpop", "mtls"])
async def rp(suite: Suite, request: pytest.FixtureRequest) -> Relying:
    return await registered(suite, dpop=request.param == "dpop")


@pytest_asyncio.fixture(loop_scope="module")
async def by_dpop(suite: Suite) -> Relying:
    return await registered(suite, dpop=True)


@pytest_asyncio.fixture(loop_scope="module")
async def by_tls(suite: Suite) -> Relying:
    return await registered(suite, dpop=False)


class TestFlow:
    """§5.3.2.2, happy-flow and its neighbours."""

    @pytest.mark.parametrize("scope", ["openid", "email"], ids=["openid", "plain_oauth"])
    async def test_a_pushed_request_buys_bound_tokens(
        self, rp: Relying, scope: str
    ) -> None:
        pushed = await rp.push(scope=scope)
        answer = await rp.led(pushed.body["request_uri"])
        found = await rp.exchange(answer.code)

        assert (pushed.status, pushed.headers["Cache-Control"]) == (201, "no-store")
        assert 5 <= pushed.body["expires_in"] < 600
        assert answer.status == 303
        assert (answer.query["iss"], answer.query["state"]) == (rp.issuer, "af0ifjsldkj")
        assert found.body["token_type"] == ("DPoP" if rp.dpop else "Bearer")
        assert found.headers["Cache-Control"] == "no-store"
        assert ("id_token" in found.body) == (scope == "openid")
        status = (await rp.resource(found.body["access_token"])).status
        assert status == (200 if scope == "openid" else 403)

    async def test_5_3_2_2_a_refusal_names_the_issuer_too(self, rp: Relying) -> None:
        pushed = await rp.push()

        answer = await rp.led(pushed.body["request_uri"], answer="deny")

        assert (answer.error, answer.query["iss"]) == ("access_denied", rp.issuer)

    async def test_long_states_and_nonces_come_back(self, by_dpop: Relying) -> None:
        state, nonce = "s" * 384, "n" * 64
        pushed = await by_dpop.push(state=state, nonce=nonce)

        answer = await by_dpop.led(pushed.body["request_uri"])

        found = await by_dpop.exchange(answer.code)
        claims = await by_dpop.suite.claims(by_dpop.client, found.body["id_token"])
        assert (answer.query["state"], claims["nonce"]) == (state, nonce)

    async def test_without_state_and_nonce_none_come_back(self, by_dpop: Relying) -> None:
        pushed = await by_dpop.push(state=..., nonce=...)

        answer = await by_dpop.led(pushed.body["request_uri"])

        assert set(answer.query) == {"code", "iss"}


class TestPushedRequests:
    """§5.3.2.2, RFC 9126; par-*."""

    async def test_without_a_push_there_is_no_request(self, rp: Relying) -> None:
        answer = await rp.suite.authorize(rp.client, **S256)

        assert (answer.error, answer.query["iss"]) == ("invalid_request", rp.issuer)

    async def test_a_request_uri_serves_once(self, by_dpop: Relying) -> None:
        uri = (await by_dpop.push()).body["request_uri"]
        first = await by_dpop.led(uri)

        again = await by_dpop.led(uri)

        assert first.code
        assert (again.status, again.location) == (400, "")

    async def test_a_request_uri_expires_when_it_was_said_to(
        self, by_dpop: Relying
    ) -> None:
        pushed = await by_dpop.push()
        by_dpop.suite.pass_time(pushed.body["expires_in"] + 1)

        late = await by_dpop.led(pushed.body["request_uri"])

        assert (late.status, late.location) == (400, "")

    async def test_a_request_uri_is_of_one_client(
        self, by_dpop: Relying, by_tls: Relying
    ) -> None:
        uri = (await by_dpop.push()).body["request_uri"]

        other = await by_tls.led(uri)

        assert (other.status, other.location) == (400, "")
        assert (await by_dpop.led(uri)).code

    async def test_what_is_said_beside_a_request_uri_changes_nothing(
        self, by_dpop: Relying
    ) -> None:
        uri = (await by_dpop.push()).body["request_uri"]
        beside = {"state": "other", "redirect_uri": "https://evil.test/", "scope": "email"}

        answer = await by_dpop.led(uri, **beside)

        assert answer.location.startswith(by_dpop.client.redirect_uri)
        assert answer.query["state"] == "af0ifjsldkj"

    async def test_an_unknown_request_uri_leads_nowhere(self, by_dpop: Relying) -> None:
        for uri in ("urn:ietf:params:oauth:request_uri:x", "https://rp.test/request.jwt"):
            answer = await by_dpop.led(uri)
            assert (answer.status, answer.location) == (400, "")

    @pytest.mark.parametrize(
        ("but", "error"),
        [
            ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
            ({"redirect_uri": ...}, "invalid_request"),
            ({"redirect_uri": "https://evil.test/callback"}, "invalid_request"),
            ({"redirect_uri": "https://rp.test/callback?dummy=1"}, "invalid_request"),
            ({"response_type": ...}, "invalid_request"),
            ({"response_type": "code id_token"}, "unsupported_response_type"),
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"code_challenge": ..., "code_challenge_method": ...}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge_method": ...}, "invalid_request"),
            ({"request": "e30.e30."}, "request_not_supported"),
            ({"scope": "nothing:known"}, "invalid_scope"),
        ],
        ids=str,
    )
    async def test_what_the_profile_does_not_allow_is_refused_when_it_is_pushed(
        self, by_dpop: Relying, but: dict[str, Any], error: str
    ) -> None:
        assert (await by_dpop.push(**but)).refusal == (400, error)

    async def test_rfc_9126_2_1_another_method_than_post_is_refused(
        self, by_dpop: Relying
    ) -> None:
        found = await by_dpop.suite.ask("GET", "/oauth2/par")

        assert found.status == 405

    async def test_a_public_client_is_not_of_the_profile(self, suite: Suite) -> None:
        client = await suite.client("none", require_pushed_authorization_requests=True)
        form = suite.asked(client)

        found = await suite.post(client, "/oauth2/par", form)

        assert found.status in {400, 401}


class TestAssertions:
    """§5.3.2.1 and §5.3.3.1; client-assertion-*, at both endpoints."""

    @pytest.mark.parametrize(
        ("but", "passes"),
        [
            ({}, True),
            ({"iat": 8}, True),
            ({"nbf": 8}, True),
            ({"iat": 70}, False),
            ({"nbf": 70}, False),
            ({"exp": -300}, False),
            ({"exp": ...}, False),
            ({"jti": ...}, False),
            ({"aud": "issuer"}, True),
            ({"aud": "array"}, False),
            ({"aud": "many"}, False),
            ({"aud": "token"}, False),
            ({"aud": "par"}, False),
            ({"aud": "https://other.test"}, False),
            ({"aud": ...}, False),
            ({"iss": NOBODY}, False),
            ({"sub": NOBODY}, False),
            ({"sub": ...}, False),
            ({"header": {"alg": "none"}}, False),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("path", ["/oauth2/par", "/oauth2/token"])
    async def test_one_is_for_the_issuer_and_for_now(
        self, by_dpop: Relying, path: str, but: dict[str, Any], passes: bool
    ) -> None:
        found = await self._presented(by_dpop, path, **self._meant(by_dpop, but))

        assert (found.body.get("error") != "invalid_client") == passes, found.body
        assert passes or found.status in {400, 401}

    @pytest.mark.parametrize(("algorithm", "passes"), [("PS256", True), ("RS256", False)])
    async def test_5_4_of_rsa_pss_alone_is_taken(
        self, by_dpop: Relying, algorithm: str, passes: bool
    ) -> None:
        key = a_key("rsa", "RSA")

        found = await self._presented(
            by_dpop, "/oauth2/par", key=key, header={"alg": algorithm}
        )

        assert (found.body.get("error") != "invalid_client") == passes

    async def test_rfc_7523_3_a_jti_serves_once(self, by_dpop: Relying) -> None:
        jti = str(uuid4())

        first = await self._presented(by_dpop, "/oauth2/par", jti=jti)
        again = await self._presented(by_dpop, "/oauth2/par", jti=jti)

        assert first.status == 201
        assert again.refusal == (401, "invalid_client")

    async def test_a_secret_does_not_do(self, by_dpop: Relying) -> None:
        client = by_dpop.client
        form = {
            **by_dpop.suite.asked(client, **S256),
            "client_id": client.id,
            "client_secret": client.secret,
        }

        found = await by_dpop.suite.ask("POST", "/oauth2/par", data=form)

        assert found.refusal == (401, "invalid_client")

    async def _presented(self, rp: Relying, path: str, **but: Any) -> Answered:
        form = rp.suite.asked(rp.client, **S256)
        if path == "/oauth2/token":
            form = {"grant_type": "authorization_code", "code": "x", **VERIFIED}
        return await rp.suite.ask(
            "POST", path, data={**rp.suite.proves(rp.client, **but), **form}
        )

    def _meant(self, rp: Relying, but: dict[str, Any]) -> dict[str, Any]:
        """The times are from now; the audiences are those of this server."""
        ours = {
            "issuer": rp.issuer,
            "array": [rp.issuer],
            "many": [rp.issuer, "https://other.test"],
            "token": f"{rp.issuer}/oauth2/token",
            "par": f"{rp.issuer}/oauth2/par",
        }
        made = {
            name: rp.suite.now() + value if isinstance(value, int) else value
            for name, value in but.items()
        }
        if isinstance(but.get("aud"), str):
            made["aud"] = ours.get(but["aud"], but["aud"])
        return made


class TestCodes:
    """§5.3.2.2: authorization codes."""

    async def test_one_serves_once(self, rp: Relying) -> None:
        code = await rp.code()
        first = await rp.exchange(code)
        rp.suite.pass_time(30)

        again = await rp.exchange(code)

        assert (first.status, again.refusal) == (200, (400, "invalid_grant"))
        assert (await rp.resource(first.body["access_token"])).status == 401

    async def test_one_lives_at_most_a_minute(self, rp: Relying) -> None:
        code = await rp.code()
        rp.suite.pass_time(61)

        assert (await rp.exchange(code)).refusal == (400, "invalid_grant")

    async def test_one_is_of_its_client(self, by_dpop: Relying, suite: Suite) -> None:
        other = await registered(suite, dpop=True)

        found = await other.exchange(await by_dpop.code())

        assert found.refusal == (400, "invalid_grant")

    @pytest.mark.parametrize("verifier", [..., "x" * 43, CHALLENGE], ids=str)
    async def test_rfc_7636_4_6_one_needs_its_verifier(
        self, by_dpop: Relying, verifier: Any
    ) -> None:
        found = await by_dpop.exchange(await by_dpop.code(), code_verifier=verifier)

        assert found.status == 400
        assert found.body["error"] in {"invalid_grant", "invalid_request"}


class TestHolders:
    """§5.3.2.1 and §5.3.4: tokens are worth nothing to anybody else; ensure-holder-of-key-*."""

    async def test_without_the_key_there_is_no_token(self, rp: Relying) -> None:
        code = await rp.code()
        rp.client.headers = {}

        found = await rp.exchange(code, dpop=None)

        assert found.status in {400, 401}
        assert "access_token" not in found.body

    async def test_a_token_without_the_key_is_refused(self, rp: Relying) -> None:
        value = (await rp.tokens())["access_token"]

        found = await rp.suite.userinfo(value)

        assert found.status == 401
        assert 'error="invalid_token"' in found.headers["WWW-Authenticate"]

    async def test_a_token_with_another_key_is_refused(self, rp: Relying) -> None:
        value = (await rp.tokens())["access_token"]
        rp.client.headers = {} if rp.dpop else certificate("CN=other")

        found = await rp.resource(value, key=a_key("other"))

        assert found.status == 401

    async def test_rfc_6750_2_3_a_token_in_the_query_is_refused(self, rp: Relying) -> None:
        value = (await rp.tokens())["access_token"]

        path, query = "/oauth2/userinfo", {"access_token": value}
        found = await rp.suite.ask("GET", path, params=query, headers=rp.client.headers)

        assert found.status in {400, 401}

    @pytest.mark.parametrize("scheme", ["dpop", "DPOP", "DPoP"])
    async def test_rfc_9110_11_1_a_scheme_is_written_in_any_case(
        self, by_dpop: Relying, scheme: str
    ) -> None:
        value = (await by_dpop.tokens())["access_token"]
        proof = by_dpop.suite.proof("/oauth2/userinfo", "GET", token=value)

        headers = {"Authorization": f"{scheme} {value}", "DPoP": proof}
        found = await by_dpop.suite.ask("GET", "/oauth2/userinfo", headers=headers)

        assert found.status == 200

    async def test_the_bearer_scheme_too(self, by_tls: Relying) -> None:
        value = (await by_tls.tokens())["access_token"]
        headers = {**by_tls.client.headers, "Authorization": f"bearer {value}"}

        found = await by_tls.suite.ask("GET", "/oauth2/userinfo", headers=headers)

        assert found.status == 200

    async def test_introspection_tells_what_a_token_is_bound_to(self, rp: Relying) -> None:
        value = (await rp.tokens())["access_token"]

        found = await rp.suite.post(rp.client, "/oauth2/introspect", {"token": value})

        assert set(found.body["cnf"]) == {"jkt" if rp.dpop else "x5t#S256"}


class TestProofs:
    """RFC 9449; dpop-negative-tests, and dpop_jkt."""

    @pytest.mark.parametrize(
        ("but", "passes"),
        [
            ({"iat": -8}, True),
            ({"iat": 8}, True),
            ({"iat": 3600}, False),
            ({"iat": -3600}, False),
            ({"htm": "GET"}, False),
            ({"htm": ...}, False),
            ({"htu": "https://other.test/oauth2/token"}, False),
            ({"htu": ...}, False),
            ({"jti": ...}, False),
            ({"iat": ...}, False),
            ({"header": {"typ": "JWT"}}, False),
            ({"header": {"typ": ...}}, False),
            ({"header": {"jwk": ...}}, False),
            ({"header": {"alg": "none"}}, False),
        ],
        ids=str,
    )
    async def test_9449_4_3_a_proof_is_of_this_request_and_of_now(
        self, by_dpop: Relying, but: dict[str, Any], passes: bool
    ) -> None:
        made = {
            name: by_dpop.suite.now() + value if isinstance(value, int) else value
            for name, value in but.items()
        }

        found = await by_dpop.exchange(await by_dpop.code(), dpop=made)

        expected = 200 if passes else (400, "invalid_dpop_proof")
        assert (found.status if passes else found.refusal) == expected

    async def test_9449_8_a_nonce_is_asked_for_and_told(self, by_dpop: Relying) -> None:
        suite, client = by_dpop.suite, by_dpop.client
        form = {"grant_type": "authorization_code", "code": "x"} | suite.proves(client)
        headers = {"DPoP": suite.proof("/oauth2/token", nonce=...)}

        found = await suite.ask("POST", "/oauth2/token", data=form, headers=headers)

        assert found.refusal == (400, "use_dpop_nonce")
        assert found.headers["DPoP-Nonce"]

    async def test_9449_4_2_a_proof_serves_once(self, by_dpop: Relying) -> None:
        codes = [await by_dpop.code() for _ in range(2)]
        once = {"jti": str(uuid4())}

        first, again = [await by_dpop.exchange(code, dpop=once) for code in codes]

        assert first.status == 200
        assert again.refusal == (400, "invalid_dpop_proof")

    async def test_9449_10_a_code_is_bought_by_the_key_that_was_named(
        self, by_dpop: Relying
    ) -> None:
        codes = [await by_dpop.code(dpop_jkt=thumbprint(a_key("two"))) for _ in range(2)]

        other = await by_dpop.exchange(codes[0])
        right = await by_dpop.exchange(codes[1], dpop={"key": a_key("two")})

        assert other.status == 400
        assert right.status == 200

    async def test_9449_10_1_a_proof_at_the_push_names_it_too(
        self, by_dpop: Relying
    ) -> None:
        pushed = await by_dpop.push(dpop={"key": a_key("two")})
        answer = await by_dpop.led(pushed.body["request_uri"])
        named = await by_dpop.push(
            dpop={"key": a_key("two")}, dpop_jkt=thumbprint(a_key("three"))
        )

        assert (await by_dpop.exchange(answer.code)).status == 400
        assert named.refusal == (400, "invalid_dpop_proof")

    async def test_9449_4_3_at_a_resource_it_names_the_token(
        self, by_dpop: Relying
    ) -> None:
        value = (await by_dpop.tokens())["access_token"]

        right = await by_dpop.resource(value)
        wrong = await by_dpop.resource(value, ath="x" * 43)
        without = await by_dpop.resource(value, ath=...)
        method = await by_dpop.resource(value, htm="POST")

        statuses = [item.status for item in (right, wrong, without, method)]
        assert statuses == [200, 401, 401, 401]
        assert wrong.headers["WWW-Authenticate"].startswith("DPoP ")


class TestRefreshing:
    """§5.3.2.1: refresh tokens are not rotated, and bound to their client; refresh-token."""

    async def test_the_same_refresh_token_goes_on(self, rp: Relying) -> None:
        tokens = await rp.tokens(scope="openid offline_access")
        value = tokens["refresh_token"]

        answers = [await rp.refresh(value) for _ in range(2)]

        assert [answer.status for answer in answers] == [200, 200]
        told = {answer.body.get("refresh_token", value) for answer in answers}
        assert told == {value}
        for answer in answers:
            assert (await rp.resource(answer.body["access_token"])).status == 200

    async def test_another_client_cannot_use_it(
        self, by_dpop: Relying, suite: Suite
    ) -> None:
        other = await registered(suite, dpop=True)
        value = (await by_dpop.tokens())["refresh_token"]

        found = await other.refresh(value)

        assert found.refusal == (400, "invalid_grant")
        assert (await by_dpop.refresh(value)).status == 200

    async def test_without_the_key_there_is_no_new_token(self, rp: Relying) -> None:
        value = (await rp.tokens())["refresh_token"]
        rp.client.headers = {}

        assert (await rp.refresh(value, dpop=None)).status in {400, 401}


class TestDiscovery:
    """§5.3.2.1; discovery-end-point-verification."""

    async def test_the_document_tells_what_the_profile_needs(self, suite: Suite) -> None:
        told = (await suite.ask("GET", "/.well-known/openid-configuration")).body

        assert told["response_types_supported"] == ["code"]
        assert told["code_challenge_methods_supported"] == ["S256"]
        assert told["authorization_response_iss_parameter_supported"] is True
        assert told["tls_client_certificate_bound_access_tokens"] is True
        assert told["pushed_authorization_request_endpoint"]
        for name, wanted in (
            ("token_endpoint_auth_methods_supported", {"private_key_jwt"}),
            ("token_endpoint_auth_signing_alg_values_supported", {"PS256", "ES256"}),
            ("dpop_signing_alg_values_supported", {"ES256"}),
            ("grant_types_supported", {"authorization_code", "refresh_token"}),
        ):
            assert wanted <= set(told[name]), name
        assert "none" not in str(told["token_endpoint_auth_signing_alg_values_supported"])
