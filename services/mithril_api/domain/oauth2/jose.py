"""Signed JWTs (RFC 7519, RFC 7515) under keys of ours: made, and read again.

The algorithm is the key's, never the header's: a header only has to agree with it. So `none`,
and a public key taken for a secret, are no question here (RFC 8725 §3.1).

The algorithms are joserfc's. Its own way around them costs as much as the signature, and warns
of the name `EdDSA`, which is the one that libraries know (RFC 9864 has a newer one).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from services.mithril_api.domain.oauth2.signing_keys import Alg

LONGEST = 8192  # characters of a JWT that is read
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_RSA_BITS = 2048
_KINDS: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
_MAKERS: Mapping[Alg, Callable[[], RSAKey | ECKey | OKPKey]] = {
    Alg.RS256: lambda: RSAKey.generate_key(_RSA_BITS),
    Alg.PS256: lambda: RSAKey.generate_key(_RSA_BITS),
    Alg.ES256: lambda: ECKey.generate_key("P-256"),
    Alg.EDDSA: lambda: OKPKey.generate_key("Ed25519"),
}
# The hash of `at_hash` goes with the algorithm (OIDC Core §3.1.3.6); Ed25519 is of SHA-512.
_HASHES = {Alg.EDDSA: hashlib.sha512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A new key: what is published of it, and what is sealed."""

    kid: str
    public_jwk: Mapping[str, Any]
    private_jwk: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A key that signs."""

    kid: str
    alg: Alg
    key: Key = field(repr=False)

    def sign(self, claims: Mapping[str, Any], *, typ: str = "JWT") -> str:
        """A JWT of this type with these claims."""
        header = orjson.dumps({"alg": self.alg, "kid": self.kid, "typ": typ})
        message = _encoded(header) + b"." + _encoded(orjson.dumps(claims, default=str))
        signature = JWSRegistry.algorithms[self.alg].sign(message, self.key)
        return (message + b"." + _encoded(signature)).decode()

    def left_half(self, value: str) -> str:
        """The left half of a hash of a value: `at_hash` (OIDC Core §3.1.3.6)."""
        digest = _HASHES.get(self.alg, hashlib.sha256)(value.encode()).digest()
        return _encoded(digest[: len(digest) // 2]).decode()


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a JWT says; not yet whether somebody may be believed."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    message: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def generate(alg: Alg) -> Pair:
    """A new key. An RSA key takes a tenth of a second."""
    key = _MAKERS[alg]()
    kid = key.thumbprint()
    public = {**key.as_dict(private=False), "kid": kid, "alg": str(alg), "use": "sig"}
    return Pair(
        kid=kid, public_jwk=public, private_jwk=orjson.dumps(key.as_dict(private=True))
    )


def signer_of(kid: str, alg: Alg, private_jwk: bytes) -> Signer:
    """The key that a private JWK is."""
    return Signer(kid=kid, alg=alg, key=_imported(orjson.loads(private_jwk)))


def read(value: str) -> Unverified | None:
    """What is written in a JWT; none where it is none, or longer than any of ours."""
    if len(value) > LONGEST or _SHAPE.fullmatch(value) is None:
        return None
    head, body, signature = value.split(".")
    header, claims = _object(head), _object(body)
    if header is None or claims is None:
        return None
    message = f"{head}.{body}".encode()
    return Unverified(header, claims, message, _decoded(signature) or b"")


def is_signed_by(unverified: Unverified, alg: Alg, public_jwk: Mapping[str, Any]) -> bool:
    """Whether this key signed it, by its own algorithm."""
    header = unverified.header
    if header.get("alg") != alg or "crit" in header:
        return False
    key = _imported({name: public_jwk[name] for name in _MEMBERS if name in public_jwk})
    try:
        return JWSRegistry.algorithms[alg].verify(
            unverified.message, unverified.signature, key
        )
    except (JoseError, ValueError):
        return False


_MEMBERS = ("kty", "n", "e", "crv", "x", "y")


def _imported(jwk: Mapping[str, Any]) -> Key:
    return _KINDS[str(jwk["kty"])].import_key(dict(jwk))


def _object(text: str) -> Mapping[str, Any] | None:
    raw = _decoded(text)
    try:
        found = orjson.loads(raw or b"")
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
