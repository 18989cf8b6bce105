"""Mutual TLS: clients known by certificates, and tokens bound to them (RFC 8705)."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.mithril_api.app import build
from shared.runtime.embedded import free_port
from shared.wire.certificates import of_der
from tests.builders import World
from tests.certificates import Made, a_certificate
from tests.integration.gatekeeper.test_nginx import running
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api, settings_for
from tests.integration.mithril_api.oauth2.oauth import (
    SECRETLESS,
    VERIFIER,
    Answered,
    a_client,
    a_code,
    by_id,
    by_post,
    client_credentials,
    post,
    token,
)
from tests.integration.mithril_api.oauth2.proving import (
    a_client_by_key,
    assertion,
    by_assertion,
    proof,
    thumbprint,
)

MANUAL = Path(__file__).parents[4] / "docs" / "operations.md"
AUTHORITY, SUBJECT = "CN=authority", "CN=clinic,O=Clinic,C=UA"
HEADER, VERIFIED = "X-Client-Cert", "X-Client-Verify"
TLS = {
    "client_certificate_header": HEADER,
    "client_certificate_verified_header": VERIFIED,
    "mtls_url": "https://mtls.mithril.test",
}
BOUND = {"tls_client_certificate_bound_access_tokens": True}
BY_SUBJECT = {
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_subject_dn": SUBJECT,
}


def ours(subject: str = SUBJECT) -> Made:
    return a_certificate(subject, by=AUTHORITY)


def shown(made: Made, verified: str = "SUCCESS", **but: str) -> dict[str, str]:
    """What an ingress of ours says."""
    return {HEADER: made.escaped(), VERIFIED: verified, **but}


def x5t(made: Made) -> str:
    read = of_der(made.der)
    assert read is not None
    return read.thumbprint


def by_itself(*made: Made) -> dict[str, Any]:
    """A client that is known by certificates which signed themselves."""
    return {
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": {"keys": [item.jwk() for item in made]},
    }


@pytest.fixture
async def edge(api: Api, mithril_database: str) -> AsyncIterator[Api]:
    """The same database behind an ingress that hands certificates on."""
    settings = settings_for(mithril_database, trusted_ingresses=("127.0.0.0/8",), **TLS)
    built = build(settings, clock=api.clock)
    async with TestClient(TestServer(built.public)) as public:
        yield Api(built=built, clock=api.clock, public=public, internal=api.internal)
    await built.deps.db.dispose()
    built.deps.passwords.close()


class TestAuthentication:
    """A certificate proves the client that is registered with it, and no other."""

    async def test_by_its_subject_where_the_ingress_verified_its_chain(
        self, edge: Api
    ) -> None:
        world = await a_client(edge, **BY_SUBJECT)
        form = client_credentials(**by_id(world))

        right = await token(edge, form, shown(ours()))
        refused = [
            await token(edge, form),
            await token(edge, form, shown(ours(), "NONE")),
            await token(edge, form, shown(ours(), "FAILED:self-signed certificate")),
            await token(edge, form, {HEADER: ours().escaped()}),
            await token(edge, form, shown(ours("CN=clinic,O=Other,C=UA"))),
            await token(edge, client_credentials(**by_post(world)), shown(ours())),
        ]

        assert (right.status, right.body["token_type"]) == (200, "Bearer")
        assert {answer.refusal for answer in refused} == {(401, "invalid_client")}

    async def test_by_itself_where_it_is_registered(self, edge: Api) -> None:
        mine, other = a_certificate(), a_certificate("CN=other")
        world = await a_client(edge, **by_itself(mine))
        form = client_credentials(**by_id(world))

        right = await token(edge, form, shown(mine, "FAILED:self-signed certificate"))
        wrong = await token(edge, form, shown(other))

        assert right.status == 200
        assert wrong.refusal == (401, "invalid_client")

    async def test_wherever_clients_authenticate(self, edge: Api) -> None:
        world = await a_client(edge, **BY_SUBJECT)
        bought = await token(edge, client_credentials(**by_id(world)), shown(ours()))
        form = {"token": bought.body["access_token"], **by_id(world)}

        told = await post(edge, "/oauth2/introspect", form, shown(ours()))
        ended = await post(edge, "/oauth2/revoke", form, shown(ours()))

        assert told.body["active"] is True
        assert ended.status == 200

    async def test_a_header_of_anybody_else_is_refused(
        self, api: Api, mithril_database: str
    ) -> None:
        world = await a_client(api, **BY_SUBJECT)
        form = client_credentials(**by_id(world))
        built = build(
            settings_for(mithril_database, trusted_ingresses=("10.0.0.0/8",), **TLS)
        )
        async with TestClient(TestServer(built.public)) as public:
            there = Api(built=built, clock=api.clock, public=public, internal=api.internal)
            service = {"X-Service-Authorization": f"Bearer {SERVICE_TOKEN}"}
            forged = await token(there, form, shown(ours()))
            wrong = {"X-Service-Authorization": "Bearer wrong"}
            guessed = await token(there, form, shown(ours(), **wrong))
            vouched = await token(there, form, shown(ours(), **service))
        await built.deps.db.dispose()
        built.deps.passwords.close()
        off = await token(api, form, shown(ours()))

        assert forged.refusal == guessed.refusal == (400, "invalid_request")
        assert vouched.status == 200
        assert off.refusal == (401, "invalid_client")

    async def test_what_is_no_certificate_or_two_is_refused(self, edge: Api) -> None:
        world = await a_client(edge, **BY_SUBJECT)
        form = client_credentials(**by_id(world))
        data = {name: str(value) for name, value in form.items()}
        for text in ("nonsense", ":AAAA:", "-----BEGIN%20CERTIFICATE-----", "%zz"):
            answer = await token(edge, form, {HEADER: text, VERIFIED: "SUCCESS"})
            assert answer.refusal == (400, "invalid_request")
        twice = [(HEADER, ours().escaped())] * 2
        response = await edge.public.post("/oauth2/token", data=data, headers=twice)
        assert response.status == 400
        doubtful = [(HEADER, ours().escaped()), (VERIFIED, "SUCCESS"), (VERIFIED, "NONE")]
        response = await edge.public.post("/oauth2/token", data=data, headers=doubtful)
        assert response.status == 401


class TestBinding:
    """A token that is bound to a certificate is worth nothing without it."""

    async def test_every_grant_binds_and_introspection_tells(self, edge: Api) -> None:
        world = await a_client(edge, **BY_SUBJECT, **BOUND)
        sent = shown(ours())
        alone = await token(edge, client_credentials(**by_id(world)), sent)
        begun = await token(edge, await a_grant(edge, world), sent)
        again = await token(edge, refreshing(world, begun), sent)

        for answer in (alone, begun, again):
            assert (answer.status, answer.body["token_type"]) == (200, "Bearer")
            told = await edge.internal.post(
                "/oauth2/introspect", data={"token": answer.body["access_token"]}
            )
            assert (await told.json())["cnf"] == {"x5t#S256": x5t(ours())}

    async def test_it_is_taken_with_the_certificate_alone(self, edge: Api) -> None:
        world = await a_client(edge, **BY_SUBJECT, **BOUND)
        grant = await a_grant(edge, world, scope="user:read")
        value = (await token(edge, grant, shown(ours()))).body["access_token"]
        by = {"Authorization": f"Bearer {value}"}

        async def status(**headers: str) -> int:
            return (await edge.public.get("/oauth/user", headers={**by, **headers})).status

        assert await status(**shown(ours())) == 200
        assert await status() == 401
        assert await status(**shown(ours("CN=other"))) == 401
        assert await status(**{HEADER: "nonsense"}) == 401

    async def test_a_bound_client_gets_nothing_without_a_certificate(
        self, edge: Api
    ) -> None:
        by_key = await a_client_by_key(edge, **BOUND)
        public = await a_client(edge, **SECRETLESS, **BOUND)

        def by() -> dict[str, Any]:
            return by_assertion(assertion(edge, by_key))

        without = await token(edge, client_credentials(**by()))
        bare = await token(edge, await a_grant(edge, public))
        bound = await token(edge, client_credentials(**by()), shown(ours()))

        assert without.refusal == bare.refusal == (400, "invalid_request")
        told = await edge.internal.post(
            "/oauth2/introspect", data={"token": bound.body["access_token"]}
        )
        assert (await told.json())["cnf"] == {"x5t#S256": x5t(ours())}

    async def test_of_a_public_client_the_refresh_token_is_bound_too(
        self, edge: Api
    ) -> None:
        world = await a_client(edge, **SECRETLESS, **BOUND)
        begun = await token(edge, await a_grant(edge, world), shown(ours()))

        other = await token(edge, refreshing(world, begun), shown(ours("CN=other")))
        right = await token(edge, refreshing(world, begun), shown(ours()))

        assert other.refusal == (400, "invalid_grant")
        assert right.status == 200

    async def test_a_token_may_be_bound_to_both(self, edge: Api) -> None:
        world = await a_client(edge, **BY_SUBJECT, **BOUND)
        first = await token(
            edge, client_credentials(**by_id(world)), {"DPoP": proof(edge), **shown(ours())}
        )
        known = {"nonce": first.headers["DPoP-Nonce"]}
        sent = {"DPoP": proof(edge, **known), **shown(ours())}
        both = await token(edge, client_credentials(**by_id(world)), sent)
        told = await edge.internal.post(
            "/oauth2/introspect", data={"token": both.body["access_token"]}
        )

        cnf = {"jkt": thumbprint(), "x5t#S256": x5t(ours())}
        assert (await told.json())["cnf"] == cnf

    async def test_a_client_that_is_not_registered_for_it_gets_bearer_tokens(
        self, edge: Api
    ) -> None:
        world = await a_client(edge)

        answer = await token(edge, client_credentials(**by_post(world)), shown(ours()))

        told = await edge.internal.post(
            "/oauth2/introspect", data={"token": answer.body["access_token"]}
        )
        assert "cnf" not in await told.json()


async def a_grant(api: Api, world: World, **but: Any) -> dict[str, Any]:
    """A code, and what a client says that proves itself by its certificate."""
    return {
        "grant_type": "authorization_code",
        "code": await a_code(api, world, **but),
        "redirect_uri": world.redirect_uri,
        "code_verifier": VERIFIER,
        **by_id(world),
    }


def refreshing(world: World, begun: Answered) -> dict[str, Any]:
    """The next request of a family."""
    value = begun.body["refresh_token"]
    return {"grant_type": "refresh_token", "refresh_token": value, **by_id(world)}


async def test_discovery_says_what_this_deployment_takes(edge: Api, api: Api) -> None:
    path = "/.well-known/oauth-authorization-server"
    told = await (await edge.public.get(path)).json()
    off = await (await api.public.get(path)).json()

    methods = told["token_endpoint_auth_methods_supported"]
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(methods)
    assert told["tls_client_certificate_bound_access_tokens"] is True
    mtls = "https://mtls.mithril.test"
    assert told["mtls_endpoint_aliases"] == {
        "token_endpoint": f"{mtls}/oauth2/token",
        "pushed_authorization_request_endpoint": f"{mtls}/oauth2/par",
        "device_authorization_endpoint": f"{mtls}/oauth2/device_authorization",
        "introspection_endpoint": f"{mtls}/oauth2/introspect",
        "revocation_endpoint": f"{mtls}/oauth2/revoke",
    }
    assert not [word for word in ("tls_client", "mtls") if word in str(off)]


async def test_certificates_are_looked_at_when_they_are_registered(api: Api) -> None:
    world, mine, other = await a_client(api), a_certificate(), a_certificate("CN=other")
    mixed = {**mine.jwk(), "x5c": other.jwk()["x5c"]}
    bare = {name: value for name, value in mine.jwk().items() if name != "x5c"}
    by_tls = {"token_endpoint_auth_method": "tls_client_auth"}
    self_signed = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}
    cases: list[tuple[dict[str, Any], str]] = [
        (by_tls, "needs one of tls_client_auth_subject_dn"),
        ({**by_tls, "tls_client_auth_subject_dn": "clinic"}, "is invalid"),
        ({**by_tls, "tls_client_auth_san_ip": "clinic.test"}, "is invalid"),
        ({**by_tls, "tls_client_auth_san_dns": 7}, "is invalid"),
        (
            {**BY_SUBJECT, "tls_client_auth_san_dns": "clinic.test"},
            "needs one of tls_client_auth_subject_dn",
        ),
        (self_signed, "must hold the client's public keys"),
        ({**self_signed, "jwks": {"keys": [bare]}}, "must hold a key with its certificate"),
        ({**self_signed, "jwks": {"keys": [mixed]}}, "that is not its own certificate"),
    ]
    for settings, why in cases:
        response = await api.internal.patch(
            f"/admin/clients/{world.client_id}", json={"client": {"settings": settings}}
        )
        assert response.status == 422, settings
        assert why in str(await response.json()), settings
    for settings in (BY_SUBJECT, by_itself(mine)):
        response = await api.internal.patch(
            f"/admin/clients/{world.client_id}", json={"client": {"settings": settings}}
        )
        assert response.status == 200


def configured(directory: Path, upstream: str, port: int) -> str:
    """An nginx with the block of the manual in it."""
    server = a_certificate("CN=localhost")
    for name, raw in (
        ("server.pem", server.pem),
        ("server.key", server.key_pem),
        ("clients-ca.pem", a_certificate(AUTHORITY).pem),
    ):
        (directory / name).write_bytes(raw)
    [_, rest] = MANUAL.read_text().split("```nginx\n# mutual TLS\n", 1)
    block = rest.split("```", 1)[0]
    block = block.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    block = block.replace("http://mithril-api:8080", upstream.rstrip("/"))
    block = block.replace("/etc/nginx/tls/", "")
    paths = "".join(
        f"{kind}_temp_path {kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr warn;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{paths}{block}}}\n"
    )


def context_of(directory: Path, made: Made | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if made is not None:
        (directory / "client.pem").write_bytes(made.pem + made.key_pem)
        context.load_cert_chain(directory / "client.pem")
    return context


async def test_a_real_nginx_hands_certificates_on_as_the_manual_says(
    edge: Api, scratch: Path
) -> None:
    port = free_port()
    world = await a_client(edge, **BY_SUBJECT, **BOUND)
    alone = await a_client(edge, **by_itself(a_certificate()))
    text = configured(scratch, str(edge.public.make_url("")), port)
    url = f"https://127.0.0.1:{port}/oauth2/token"

    async def asked(made: Made | None, who: World, **headers: str) -> int:
        form = client_credentials(**by_id(who))
        async with (
            aiohttp.ClientSession() as http,
            http.post(
                url, data=form, headers=headers, ssl=context_of(scratch, made)
            ) as answer,
        ):
            return answer.status

    with running(scratch, text):
        await listening(port)
        assert await asked(ours(), world) == 200
        assert await asked(a_certificate(), alone) == 200
        assert await asked(None, world) == 401
        assert await asked(ours("CN=other"), world) == 401
        # What a caller writes itself never gets by.
        assert await asked(None, world, **shown(ours())) == 401
        assert await asked(a_certificate(SUBJECT), world, **{VERIFIED: "SUCCESS"}) == 401


async def listening(port: int) -> None:
    for _ in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    pytest.fail("nginx does not answer")


async def test_proofs_may_be_made_for_the_address_of_mutual_tls(
    api: Api, mithril_database: str
) -> None:
    built = build(
        settings_for(mithril_database, issuer="https://mithril.test", **TLS),
        clock=api.clock,
    )
    world = await a_client(api)
    async with TestClient(TestServer(built.public)) as public:
        there = Api(built=built, clock=api.clock, public=public, internal=api.internal)
        known = (await token(there, {"grant_type": "x"}, {"DPoP": proof(there)})).headers
        made = proof(
            there, htu="https://mtls.mithril.test/oauth2/token", nonce=known["DPoP-Nonce"]
        )
        answer = await token(there, client_credentials(**by_post(world)), {"DPoP": made})
    await built.deps.db.dispose()
    built.deps.passwords.close()

    assert answer.status == 200
