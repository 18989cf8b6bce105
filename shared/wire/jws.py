"""Signed JSON as requests bring it (RFC 7515): read first, believed only once it is verified.

What is cheap to refuse is refused before a signature is looked at. Only public keys verify,
only by these algorithms, and a key only by those of its own kind: `none`, MACs and a header
that says another algorithm than its key has lead nowhere.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

PublicKey: TypeAlias = RSAKey | ECKey | OKPKey

# `Ed25519` is the newer name of what everybody calls `EdDSA` (RFC 9864).
ALGORITHMS = ("ES256", "EdDSA", "Ed25519", "PS256", "RS256")
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "EC": ("ES256",),
    "OKP": ("EdDSA", "Ed25519"),
    "RSA": ("PS256", "RS256"),
}
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}
_KEYS: Mapping[str, type[PublicKey]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
_SECRETS = frozenset({"d", "dp", "dq", "k", "oth", "p", "q", "qi"})
# What verifying costs grows with the modulus, and much faster with the exponent.
_RSA_LEAST, _RSA_MOST, _EXPONENT_BITS = 2048, 4096, 32
LONGEST: Final = 8192


class _Registry(JWSRegistry):
    """The library's, without its warning that `EdDSA` has a newer name."""

    max_header_length = 4096
    max_payload_length = LONGEST

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact serialization whose parts can be read. Two are equal if they are one text."""

    text: str = field(repr=False)
    header: Mapping[str, Any] = field(repr=False, compare=False)
    claims: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def algorithm(self) -> str:
        """What its header says signed it: one of `ALGORITHMS`."""
        return str(self.header["alg"])


@dataclass(frozen=True, slots=True)
class Unusable:
    """A key that is none for us, and why: for whoever registers it."""

    why: str


def read(text: str) -> Compact | None:
    """The parts of a JWT; none where it is none, or is signed in a way that is not taken.

    An extension that has to be understood (`crit`) is not.
    """
    if not text.isascii() or len(text) > LONGEST:
        return None
    try:
        made = jws.extract_compact(text.encode(), registry=_REGISTRY)
        header, claims = dict(made.headers()), orjson.loads(made.payload)
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(claims, dict):
        return None
    if "crit" in header or "b64" in header or header.get("alg") not in ALGORITHMS:
        return None
    return Compact(text, header, claims)


def public_key(jwk: object) -> PublicKey | Unusable:
    """A key that may verify (RFC 7517): public, asymmetric, and neither weak nor enormous."""
    if not isinstance(jwk, Mapping):
        return Unusable("must be an object")
    kind = jwk.get("kty")
    if kind == "oct":
        return Unusable("must not be symmetric: nobody but its owner may sign")
    if not isinstance(kind, str) or kind not in _KEYS:
        return Unusable("`kty` must be RSA, EC or OKP")
    if not _SECRETS.isdisjoint(jwk):
        return Unusable("must not hold a private key")
    if kind in _CURVES and jwk.get("crv") != _CURVES[kind]:
        return Unusable(f"`crv` of a key of type {kind} must be {_CURVES[kind]}")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or operations != ["verify"]:
        return Unusable("must be for signatures")
    if jwk.get("alg", _OF_KIND[kind][0]) not in _OF_KIND[kind]:
        return Unusable(f"`alg` must be one of {', '.join(_OF_KIND[kind])}")
    if not isinstance(jwk.get("kid", ""), str) or len(jwk.get("kid", "")) > 255:
        return Unusable("`kid` must be a text of at most 255 characters")
    if kind == "RSA" and (unfit := _unfit_rsa(jwk)) is not None:
        return unfit
    try:
        return _KEYS[kind].import_key(dict(jwk))
    except (JoseError, ValueError, TypeError):
        return Unusable("is no key")


def is_signed(compact: Compact, key: PublicKey) -> bool:
    """Whether the key signed it, by an algorithm of the key's own kind."""
    if not fits(compact.algorithm, key):
        return False
    try:
        made = jws.extract_compact(compact.text.encode(), registry=_REGISTRY)
        return jws.validate_compact(made, key, registry=_REGISTRY)
    except (JoseError, ValueError):
        return False


def fits(algorithm: str, key: PublicKey) -> bool:
    """Whether a key may have signed by this algorithm: its own, if it names one."""
    return algorithm in _OF_KIND[key.key_type] and key.alg in (None, algorithm)


def digest_of(*parts: str) -> bytes:
    """What is kept of something that serves once. No two lists of parts have the same."""
    return hashlib.sha256(orjson.dumps(parts)).digest()


def _unfit_rsa(jwk: Mapping[str, Any]) -> Unusable | None:
    try:
        modulus, exponent = (_integer(jwk.get(name)) for name in ("n", "e"))
    except (TypeError, ValueError):
        return Unusable("is no key")
    if not _RSA_LEAST <= modulus.bit_length() <= _RSA_MOST:
        return Unusable(f"must have {_RSA_LEAST} to {_RSA_MOST} bits")
    if exponent < 3 or exponent.bit_length() > _EXPONENT_BITS:
        return Unusable("has an exponent that is not in use")
    return None


def _integer(text: object) -> int:
    if not isinstance(text, str):
        raise TypeError
    return int.from_bytes(urlsafe_b64decode(text.encode()))
