"""The public keys that a client is registered with (RFC 7591 `jwks`)."""

import base64
from collections.abc import Mapping
from typing import Any, TypeAlias

import orjson

from shared.wire import certificates, jws
from shared.wire.certificates import Certificate
from shared.wire.jws import PublicKey, Unusable

Jwk: TypeAlias = Mapping[str, Any]

_MOST = 10
_LARGEST = 32_768  # bytes: certificates may be among them


def of_settings(jwks: object) -> tuple[Jwk, ...]:
    """The keys as they are kept; whether each can be used is seen when it is to be used."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or len(keys) > _MOST:
        return ()
    return tuple(item for item in keys if isinstance(item, Mapping))


def complaint(jwks: object) -> str | None:
    """What is wrong with a set of keys; none: nothing."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or not keys:
        return "must be an object whose `keys` is a list of keys"
    if len(keys) > _MOST:
        return f"must hold at most {_MOST} keys"
    if len(orjson.dumps(jwks, default=str)) > _LARGEST:
        return f"must be smaller than {_LARGEST} bytes"
    for place, item in enumerate(keys):
        key = jws.public_key(item)
        if isinstance(key, Unusable):
            return f"`keys[{place}]` {key.why}"
        if "x5c" in item and not _is_of_its_key(item, key):
            return f"`keys[{place}]` has an `x5c` that is not its own certificate"
    names = [item["kid"] for item in keys if "kid" in item]
    if len(names) != len(set(names)):
        return "must hold no `kid` twice"
    return None


def certificate_of(jwk: Jwk) -> Certificate | None:
    """The certificate of a key itself: the first of `x5c` (RFC 7517 §4.7)."""
    chain = jwk.get("x5c")
    first = chain[0] if isinstance(chain, list) and chain else None
    if not isinstance(first, str):
        return None
    try:
        return certificates.of_der(base64.b64decode(first, validate=True))
    except ValueError:
        return None


def _is_of_its_key(jwk: Jwk, key: PublicKey) -> bool:
    known = certificate_of(jwk)
    return known is not None and certificates.key_of(known) == key.thumbprint()


def chosen(keys: tuple[Jwk, ...], *, kid: object, algorithm: str) -> PublicKey | None:
    """The one key that may have signed: by its `kid`, which is a name and nothing else.

    Without a `kid` there must be one alone that could have. So a forgery costs the look at
    one signature, however many keys there are.
    """
    named = [item for item in keys if kid is None or item.get("kid") == kid]
    usable = [
        key for item in named if not isinstance(key := jws.public_key(item), Unusable)
    ]
    fitting = [key for key in usable if jws.fits(algorithm, key)]
    return fitting[0] if len(fitting) == 1 else None
