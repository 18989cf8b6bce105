"""Nonces of sign-ins by digital signature: random, single-use, of one client (spec O4, W22).

What is given out is a JWT that holds the nonce; what is kept is the nonce's digest and whose
it is. The signature on the JWT lets an invented nonce be refused without asking.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from services.mithril_api.domain.refusals import Reason, Refused, Unfit
from shared.wire.envelope import Invalid

TRUSTED_PIS = "TRUSTED_PIS"  # the client type that proves itself before it has a nonce
Audience = Literal["mithril-login", "trusted-client"]
LOGIN: Audience = "mithril-login"
_TRUSTED: Audience = "trusted-client"
_ISSUER = "EHealth"
_ALGORITHM = "HS512"
_LONGEST = 4096  # characters of a JWT: ours have some 400


@dataclass(frozen=True, slots=True, kw_only=True)
class NonceFacts:
    """What the database knows of the client that asks."""

    client_exists: bool
    client_is_blocked: bool = False
    client_type: str = ""
    secret_is_right: bool = False


def judge(facts: NonceFacts, *, secret_is_sent: bool) -> Audience | Refused | Unfit:
    """For whom a nonce is; checks in the order of docs §4.3."""
    if not facts.client_exists:
        return Refused(Reason.NOT_FOUND)
    if facts.client_is_blocked:
        return Refused(Reason.CLIENT_BLOCKED_AT_NONCE)
    if facts.client_type != TRUSTED_PIS:
        return LOGIN
    if not secret_is_sent:
        text = "required property client_secret was not present"
        return Unfit((Invalid(entry="$.client_secret", rule="required", description=text),))
    if not facts.secret_is_right:
        return Refused(Reason.CLIENT_SECRET_WRONG)
    return _TRUSTED


def nonce_of(random: int) -> UUID:
    """The nonce made of 128 random bits."""
    return UUID(int=random, version=4)


def compose(
    nonce: UUID,
    *,
    audience: Audience,
    token_id: UUID,
    key: bytes,
    now: datetime,
    lives: timedelta,
) -> str:
    """The JWT that holds a nonce."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": _ISSUER,
        "aud": audience,
        "typ": "access",
        "nonce": str(nonce),
        "sub": str(nonce),
        "jti": str(token_id),
        "iat": issued,
        "nbf": issued - 1,
        "exp": issued + int(lives.total_seconds()),
    }
    header = {"alg": _ALGORITHM}
    return jwt.encode(header, claims, OctKey.import_key(key), algorithms=[_ALGORITHM])


def read(
    value: str, *, keys: Sequence[bytes], audience: Audience, now: datetime
) -> UUID | None:
    """The nonce in a JWT of ours for that audience that has not expired; none: it is no such."""
    claims = _claims(value, keys)
    if claims is None or claims.get("aud") != audience or claims.get("typ") != "access":
        return None
    begins, ends = claims.get("nbf"), claims.get("exp")
    if not isinstance(begins, int) or not isinstance(ends, int):
        return None
    if not begins <= now.timestamp() < ends:
        return None
    try:
        return UUID(str(claims.get("nonce")))
    except ValueError:
        return None


def _claims(value: str, keys: Sequence[bytes]) -> dict[str, Any] | None:
    if len(value) > _LONGEST:
        return None
    for key in keys:
        try:
            token = jwt.decode(value, OctKey.import_key(key), algorithms=[_ALGORITHM])
        except (JoseError, ValueError):  # another key's, or no JWT at all
            continue
        return dict(token.claims)
    return None
