"""/verify for tokens that are bound to a key: with a proof of it, and no other way (RFC 9449)."""

from typing import Any

import pytest
from aiohttp import ClientResponse

from shared.wire.certificates import of_der
from tests.certificates import a_certificate
from tests.integration.gatekeeper.conftest import Gate, MakeGate
from tests.integration.gatekeeper.platform import Platform, a_token
from tests.integration.gatekeeper.values import USER
from tests.integration.mithril_api.oauth2.proving import a_key, a_proof, thumbprint

API = "https://api.ehealth.test"
URL = f"{API}/api/persons"


@pytest.fixture
async def door(make_gate: MakeGate, platform: Platform) -> Gate:
    platform.tokens["bound"] = a_token(details={"cnf": {"jkt": thumbprint()}})
    return await make_gate(resource_origins=("https://www.ehealth.test", API + "/"))


def proof(door: Gate, **but: Any) -> str:
    claims = {"htm": "GET", "htu": URL, "token": "bound", **but}
    return a_proof(now=int(door.clock.now().timestamp()), **claims)


async def shown(
    door: Gate, *proofs: str, token: str = "bound", scheme: str = "DPoP", **but: Any
) -> ClientResponse:
    """Ask as nginx does, with these proofs."""
    sent = [
        ("X-Original-URI", but.pop("path", "/api/persons?page=1")),
        ("X-Original-Method", but.pop("method", "GET")),
        ("Authorization", f"{scheme} {token}"),
        *(("DPoP", text) for text in proofs),
        *but.items(),
    ]
    return await door.public.get("/verify", headers=sent)


async def test_it_passes_with_a_proof_for_the_request_that_the_proxy_has(
    door: Gate,
) -> None:
    answer = await shown(door, proof(door))

    assert answer.status == 200
    assert answer.headers["X-Consumer-Id"] == str(USER)
    again = await shown(door, proof(door, htm="POST"), method="POST")
    assert again.status == 200


async def test_without_the_proof_nobody_passes_and_is_told_how(
    door: Gate, platform: Platform
) -> None:
    two = a_key("two")
    refused = {
        "no proof": [],
        "two proofs": [proof(door), proof(door)],
        "another method": [proof(door, htm="POST")],
        "another address": [proof(door, htu=f"{API}/api/open")],
        "our own address": [proof(door, htu=str(door.public.make_url("/verify")))],
        "another host": [proof(door, htu="https://evil.test/api/persons")],
        "another token": [proof(door, token="good")],
        "no token": [proof(door, token=...)],
        "another key": [proof(door, key=two)],
        "not its key": [proof(door, key=two, header={"jwk": a_key().as_dict()})],
        "old": [proof(door, iat=int(door.clock.now().timestamp()) - 61)],
        "nonsense": ["a.b.c"],
    }
    for name, proofs in refused.items():
        answer = await shown(door, *proofs)
        assert answer.status == 401, name
        error = "invalid_token" if name == "no proof" else "invalid_dpop_proof"
        assert answer.headers["WWW-Authenticate"].startswith(f'DPoP error="{error}"'), name
        assert "X-Consumer-Id" not in answer.headers
    assert (await shown(door, proof(door))).status == 200


async def test_a_proof_passes_once(door: Gate) -> None:
    text = proof(door)

    assert [(await shown(door, text)).status for _ in range(2)] == [200, 401]


async def test_it_is_no_bearer_token_and_no_cookie(door: Gate) -> None:
    as_bearer = await shown(door, proof(door), scheme="Bearer")
    as_cookie = await door.public.get(
        "/verify",
        headers={
            "X-Original-URI": "/api/persons",
            "X-Original-Method": "GET",
            "Cookie": "authorization=bound",
            "DPoP": proof(door),
        },
    )

    assert (as_bearer.status, as_cookie.status) == (401, 401)
    assert as_bearer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_bearer_token_is_not_shown_as_a_bound_one(door: Gate) -> None:
    answer = await shown(door, proof(door, token="good"), token="good")

    assert answer.status == 401
    assert (await door.verify("/api/persons")).status == 200


async def test_a_binding_that_is_not_understood_is_met_by_nobody(
    door: Gate, platform: Platform
) -> None:
    for cnf in ({"kid": "x"}, {}, "x", {"x5t#S256": "A" * 43}):
        platform.tokens["odd"] = a_token(details={"cnf": cnf})
        door.built.cache.clear()
        assert (await shown(door, token="odd", scheme="Bearer")).status == 401


async def test_a_token_that_is_bound_to_a_certificate_passes_with_it_alone(
    make_gate: MakeGate, platform: Platform
) -> None:
    mine, other = a_certificate(), a_certificate("CN=other")
    known = of_der(mine.der)
    assert known is not None
    platform.tokens["bound"] = a_token(details={"cnf": {"x5t#S256": known.thumbprint}})
    header = {"client_certificate_header": "X-Client-Cert"}
    door = await make_gate(**header, trusted_ingresses=("127.0.0.1/32", "::1/128"))
    far = await make_gate(**header, trusted_ingresses=("10.0.0.0/8",))

    async def status(gate: Gate, **but: str) -> int:
        sent = {name.replace("_", "-"): value for name, value in but.items()}
        return (await shown(gate, scheme="Bearer", **sent)).status

    assert await status(door, X_Client_Cert=mine.escaped()) == 200
    assert await status(door) == 401
    assert await status(door, X_Client_Cert=other.escaped()) == 401
    assert await status(door, X_Client_Cert="nonsense") == 401
    assert await status(far, X_Client_Cert=mine.escaped()) == 401
