"""Keys of clients, and what they sign: assertions (RFC 7523) and DPoP proofs (RFC 9449)."""

import base64
import hashlib
import json
from functools import cache
from typing import Any
from uuid import uuid4

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.builders import World
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.oauth2.oauth import Answered, a_client, token

Key = RSAKey | ECKey | OKPKey
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BY_KEY = {"token_endpoint_auth_method": "private_key_jwt"}
_ALGORITHMS = {"EC": "ES256", "OKP": "EdDSA", "RSA": "PS256"}


@cache
def a_key(name: str = "one", kind: str = "EC") -> Key:
    """A key by a name; the same one each time, since those of RSA take long to make."""
    parameters: Any = {"kid": name}
    if kind == "RSA":
        return RSAKey.generate_key(2048, parameters)
    if kind == "OKP":
        return OKPKey.generate_key("Ed25519", parameters)
    return ECKey.generate_key("P-256", parameters)


def public(*keys: Key) -> dict[str, Any]:
    """The `jwks` of a client that has these keys."""
    return {"keys": [key.as_dict() for key in keys]}


def encoded(part: Any) -> str:
    """JSON, or bytes, as parts of a JWT are written."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(key: Any, claims: dict[str, Any], **header: Any) -> str:
    """A JWT; `...` leaves a claim or a header out."""
    head = {"alg": _ALGORITHMS.get(key.key_type), "kid": key.kid, **header}
    parts = [
        encoded({name: value for name, value in part.items() if value is not ...})
        for part in (head, claims)
    ]
    text = ".".join(parts)
    name = "Ed25519" if head["alg"] == "EdDSA" else head["alg"]
    return f"{text}.{encoded(JWSRegistry.algorithms[name].sign(text.encode(), key))}"


async def a_client_by_key(api: Api, *keys: Key, **settings: Any) -> World:
    """A client that authenticates by the first of these keys, or any other."""
    return await a_client(api, jwks=public(*(keys or (a_key(),))), **BY_KEY, **settings)


def issuer_of(api: Api) -> str:
    """What the server calls itself."""
    return str(api.public.make_url("")).rstrip("/")


def now_of(api: Api) -> int:
    """The server's time."""
    return int(api.clock.now().timestamp())


def assertion(api: Api, world: World, key: Any = None, **but: Any) -> str:
    """What proves a client, signed by its key; `but` changes claims, `header` its head."""
    now, header = now_of(api), but.pop("header", {})
    claims = {
        "iss": str(world.client_id),
        "sub": str(world.client_id),
        "aud": issuer_of(api),
        "jti": str(api.deps.entropy.uuid()),
        "iat": now,
        "exp": now + 60,
        **but,
    }
    return signed(key or a_key(), claims, **header)


def by_assertion(text: str) -> dict[str, Any]:
    """The parameters of private_key_jwt."""
    return {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": text,
        "client_secret": ...,
        "client_id": ...,
    }


def proof(api: Api, path: str = "/oauth2/token", **but: Any) -> str:
    """A DPoP proof for a POST to an endpoint."""
    claims = {"htm": "POST", "htu": issuer_of(api) + path, **but}
    return a_proof(now=now_of(api), **claims)


def a_proof(*, now: int, key: Any = None, **but: Any) -> str:
    """A DPoP proof, with a `jti` of its own; `token`: the one that it accompanies."""
    key, header = key or a_key(), but.pop("header", {})
    token = but.pop("token", ...)
    if token is not ...:
        but["ath"] = encoded(hashlib.sha256(token.encode()).digest())
    claims = {"jti": str(uuid4()), "iat": now, **but}
    made = {"typ": "dpop+jwt", "kid": ..., "jwk": _bare(key), **header}
    return signed(key, claims, **made)


def thumbprint(key: Any = None) -> str:
    """What a token is bound to that is bound to the key."""
    found: str = (key or a_key()).thumbprint()
    return found


async def nonce(api: Api) -> str:
    """A nonce of the server, as a client gets its first."""
    answer = await token(api, {"grant_type": "x"}, {"DPoP": proof(api)})
    assert answer.refusal == (400, "use_dpop_nonce"), answer.body
    found: str = answer.headers["DPoP-Nonce"]
    return found


async def proved(api: Api, form: dict[str, Any], key: Any = None, **but: Any) -> Answered:
    """Ask for a token with a proof that has a nonce."""
    given = {"nonce": await nonce(api), **but}
    return await token(api, form, {"DPoP": proof(api, key=key, **given)})


def _bare(key: Any) -> dict[str, Any]:
    return {name: value for name, value in key.as_dict().items() if name != "kid"}
