"""Signed JWTs (RFC 7519, RFC 7515) under keys of ours.

The algorithms are joserfc's. Its own way around them costs as much as the signature, and warns
of the name `EdDSA`, which is the one that libraries know (RFC 9864 has a newer one). What was
signed is read again by `shared/wire/jws.py`, as anybody's.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from services.mithril_api.domain.oauth2.signing_keys import Alg

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


def _imported(jwk: Mapping[str, Any]) -> Key:
    return _KINDS[str(jwk["kty"])].import_key(dict(jwk))


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
