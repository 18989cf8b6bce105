"""A client proves who it is by what it signed: `private_key_jwt`.

RFC 7523 §3, OpenID Connect Core §9; for clients of the financial profile FAPI 2.0 §5.3.2.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.mithril_api.domain.oauth2 import client_keys
from services.mithril_api.domain.oauth2.client_metadata import ClientMetadata, Method
from services.mithril_api.domain.oauth2.faults import Fault, invalid_client
from shared.models.ids import ClientId
from shared.wire import jws
from shared.wire.casting import is_uuid
from shared.wire.dpop import moment
from shared.wire.jws import Compact

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Replays are refused for as long as an assertion lives, so its length is a matter of room:
# an hour is what libraries choose that choose for their users.
LIVES = timedelta(hours=1)
LIVES_STRICTLY = timedelta(minutes=10)
AHEAD = timedelta(seconds=60)  # by which the client's clock may be fast
_LONGEST_JTI = 255
_WEAK = "RS256"  # not taken from clients of the financial profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """An assertion that can be read. `audiences`: what we are called, our issuer first."""

    client_id: ClientId
    compact: Compact = field(repr=False)
    jti: str
    expires_at: datetime
    audiences: tuple[str, ...]

    @property
    def method(self) -> Method:
        """How the client authenticates by it."""
        return Method.PRIVATE_KEY_JWT

    def digest(self) -> bytes:
        """By which it is known when it comes again."""
        return jws.digest_of("assertion", str(self.client_id), self.jti)


def read(text: str, *, audiences: tuple[str, ...]) -> Assertion | Fault:
    """What the assertion says; nothing of it is believed yet."""
    compact = jws.read(text)
    if compact is None:
        return invalid_client(
            "the assertion is no JWT signed by an algorithm that is taken"
        )
    claims = compact.claims
    issuer, jti, expires_at = (
        claims.get("iss"),
        claims.get("jti"),
        moment(claims.get("exp")),
    )
    if not isinstance(issuer, str) or not is_uuid(issuer) or claims.get("sub") != issuer:
        return invalid_client("`iss` and `sub` of the assertion must be the client's id")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
        return invalid_client("the assertion needs a `jti` of at most 255 characters")
    if expires_at is None:
        return invalid_client("the assertion needs an `exp`")
    return Assertion(
        client_id=ClientId(UUID(issuer)),
        compact=compact,
        jti=jti,
        expires_at=expires_at,
        audiences=audiences,
    )


def judge(assertion: Assertion, metadata: ClientMetadata, *, now: datetime) -> Fault | None:
    """Why an assertion proves nothing; none: the client signed it, for us and for now.

    Whether it came before is another question. The signature is looked at last, and with one
    key of the client's own.
    """
    claims, algorithm = assertion.compact.claims, assertion.compact.algorithm
    lives = LIVES_STRICTLY if metadata.is_strict else LIVES
    if not now < assertion.expires_at <= now + lives + AHEAD:
        return invalid_client("the assertion has expired, or expires too late")
    if any(_is_ahead(claims, name, now) for name in ("iat", "nbf")):
        return invalid_client("`iat` or `nbf` of the assertion is in the future")
    if not _is_for_us(claims.get("aud"), assertion.audiences, strictly=metadata.is_strict):
        return invalid_client("`aud` of the assertion is not this server's issuer")
    if metadata.signing_alg not in (None, algorithm):
        return invalid_client()
    if metadata.is_strict and algorithm == _WEAK:
        return invalid_client()
    kid = assertion.compact.header.get("kid")
    key = client_keys.chosen(metadata.keys, kid=kid, algorithm=algorithm)
    if key is None or not jws.is_signed(assertion.compact, key):
        return invalid_client()
    return None


def _is_ahead(claims: Mapping[str, Any], name: str, now: datetime) -> bool:
    """Whether a moment is too late; one that is no moment is none that has come."""
    if name not in claims:
        return False
    at = moment(claims[name])
    return at is None or at > now + AHEAD


def _is_for_us(aud: object, ours: tuple[str, ...], *, strictly: bool) -> bool:
    if strictly:  # our issuer, as a text and not in a list (FAPI 2.0 §5.3.2.1)
        return aud == ours[0]
    named = aud if isinstance(aud, list) else [aud]
    return any(item in ours for item in named)
