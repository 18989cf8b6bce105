"""Proofs that whoever sends a token holds its key (DPoP, RFC 9449).

A proof is read and judged before its signature is looked at, so that what is cheap to refuse
costs nothing. Whether one came before, only who keeps them can tell.
"""

import base64
import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from yarl import URL

from shared.wire import jws
from shared.wire.jws import Compact, PublicKey, Unusable

HEADER: Final = "DPoP"
NONCE_HEADER: Final = "DPoP-Nonce"
SCHEME: Final = "DPoP"
ALGORITHMS = jws.ALGORITHMS

LIVES = timedelta(minutes=1)
# A nonce of ours tells when a proof was made better than its maker's clock does (§8).
LIVES_WITH_NONCE = timedelta(minutes=5)
AHEAD = timedelta(seconds=60)  # by which its maker's clock may be fast
_LONGEST_JTI = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof that can be read. Nothing is known of it until `is_signed` says so."""

    compact: Compact = field(repr=False)
    key: PublicKey = field(repr=False)
    jkt: str  # the thumbprint of its key (RFC 7638)
    jti: str
    htm: str
    htu: str
    iat: datetime
    nonce: str | None = None
    ath: str | None = None

    def is_signed(self) -> bool:
        """Whether the key that it shows made it."""
        return jws.is_signed(self.compact, self.key)

    def is_for(self, access_token: str) -> bool:
        """Whether it was made to accompany this token (`ath`)."""
        digest = hashlib.sha256(access_token.encode("utf-8", "surrogatepass")).digest()
        return self.ath == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def digest(self) -> bytes:
        """By which it is known when it comes again."""
        return jws.digest_of("dpop", self.jkt, self.jti)

    @property
    def expires_at(self) -> datetime:
        """When it is refused for its age, however it came."""
        return self.iat + LIVES_WITH_NONCE


@dataclass(frozen=True, slots=True)
class Unfit:
    """No proof, and why: for whoever writes the client."""

    why: str


def read(headers: Sequence[str]) -> Proof | Unfit | None:
    """The proof of a request's `DPoP` headers; none where there is no such header."""
    if not headers:
        return None
    if len(headers) > 1:
        return Unfit("there is more than one DPoP proof")
    compact = jws.read(headers[0])
    if compact is None:
        return Unfit("the DPoP proof is no JWT signed by an algorithm that is taken")
    if compact.header.get("typ") != "dpop+jwt":
        return Unfit("the DPoP proof is not of the type dpop+jwt")
    key = jws.public_key(compact.header.get("jwk"))
    if isinstance(key, Unusable):
        return Unfit(f"the `jwk` of the DPoP proof {key.why}")
    if not jws.fits(compact.algorithm, key):
        return Unfit("the `alg` of the DPoP proof is not one of its `jwk`")
    return _read(compact, key)


def _read(compact: Compact, key: PublicKey) -> Proof | Unfit:
    claims = compact.claims
    texts = [claims.get(name) for name in ("jti", "htm", "htu")]
    optional = [claims.get(name) for name in ("nonce", "ath")]
    iat = moment(claims.get("iat"))
    if iat is None or not all(isinstance(item, str) and item for item in texts):
        return Unfit("the DPoP proof lacks one of `jti`, `htm`, `htu` and `iat`")
    if not all(item is None or isinstance(item, str) for item in optional):
        return Unfit("the DPoP proof has a `nonce` or `ath` that is no text")
    jti, htm, htu = map(str, texts)
    if len(jti) > _LONGEST_JTI:
        return Unfit("the `jti` of the DPoP proof is too long")
    return Proof(
        compact=compact,
        key=key,
        jkt=key.thumbprint(),
        jti=jti,
        htm=htm,
        htu=htu,
        iat=iat,
        nonce=claims.get("nonce"),
        ath=claims.get("ath"),
    )


def judge(
    proof: Proof,
    *,
    method: str,
    urls: Collection[str],
    now: datetime,
    lives: timedelta = LIVES,
) -> Unfit | None:
    """Whether a proof is about this request and of this time; `urls`: all that we are called."""
    if proof.htm != method:
        return Unfit("the `htm` of the DPoP proof is not the method of the request")
    target = target_of(proof.htu)
    if target is None or target not in {target_of(url) for url in urls}:
        return Unfit("the `htu` of the DPoP proof is not the address of the request")
    if not -AHEAD <= now - proof.iat <= lives:
        return Unfit("the `iat` of the DPoP proof is too old, or in the future")
    return None


def target_of(url: str) -> str | None:
    """An address as two are compared (§4.3; RFC 3986 §6.2.2, §6.2.3): no query, no fragment.

    None where it is no address of a server, or says whose it is.
    """
    try:
        read = URL(url)
        if read.scheme not in {"http", "https"} or not read.host:
            return None
        if read.user is not None or read.password is not None:
            return None
        return f"{read.origin()}{read.raw_path or '/'}"
    except (ValueError, TypeError):
        return None


def moment(value: Any) -> datetime | None:
    """A NumericDate (RFC 7519 §2); none where it is none, or of another age of the world."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or not 0 <= value < 2**33:
        return None
    return datetime.fromtimestamp(value, UTC)
