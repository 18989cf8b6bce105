"""What OpenID Connect adds: who signed in, when and how, and what is told of them.

OpenID Connect Core §2 and §5. Only what is known for certain is claimed: an account has an
e-mail address and perhaps a number for codes, but no name.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from services.mithril_api.domain.oauth2.jose import Signer
from services.mithril_api.domain.oauth2.sessions import auth_time_of
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.step_up import methods_of
from shared.models.ids import ClientId, UserId

CLAIMS = (
    *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "at_hash", "sid"),
    *("email", "phone_number", "updated_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The sign-in that a grant rests on. `sid` is the session's, `issuer` the one asked."""

    sid: str | None = None
    auth_time: int | None = None
    amr: tuple[str, ...] = ()
    issuer: str = ""
    nonce: str | None = field(default=None, repr=False)

    def stored(self) -> dict[str, Any]:
        """As a code keeps it."""
        return {name: value for name, value in asdict(self).items() if value}

    def lasting(self) -> dict[str, Any]:
        """As a family keeps it: a nonce is of one answer (OIDC Core §12.2)."""
        return replace(self, nonce=None).stored()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What an account says of its user."""

    user_id: UserId
    email: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)
    updated_at: datetime


def signed_in(session: Token | None, *, issuer: str, nonce: str | None) -> SignedIn:
    """What is known of a session; little, where a gateway vouches for the user."""
    if session is None:
        return SignedIn(issuer=issuer, nonce=nonce)
    return SignedIn(
        sid=sid_of(session),
        auth_time=auth_time_of(session),
        amr=tuple(methods_of(session.details)),
        issuer=issuer,
        nonce=nonce,
    )


def sid_of(session: Token) -> str:
    """What clients call a session: the family that the sign-in began."""
    return str(session.family_id)


def signed_in_of(token: Token) -> SignedIn:
    """What a code or refresh token remembers."""
    known = token.details.get("sign_in")
    if not isinstance(known, Mapping):
        return SignedIn()
    return SignedIn(**{**known, "amr": tuple(known.get("amr", ()))})


def details(who: SignedIn) -> dict[str, Any]:
    """What the family of a grant remembers."""
    lasting = who.lasting()
    return {"sign_in": lasting} if lasting else {}


def id_token(
    who: SignedIn,
    signer: Signer,
    access: Token,
    access_value: str,
    *,
    issuer: str,
    client_id: ClientId,
    now: datetime,
) -> str:
    """The ID token beside an access token (OIDC Core §2, §3.1.3.6); it ends with it."""
    claims = {
        "iss": issuer,
        "sub": str(access.user_id),
        "aud": str(client_id),
        "exp": int(access.expires_at.timestamp()),
        "iat": int(now.timestamp()),
        "auth_time": who.auth_time,
        "nonce": who.nonce,
        "amr": list(who.amr),
        "at_hash": signer.left_half(access_value),
        "sid": who.sid,
    }
    return signer.sign({name: value for name, value in claims.items() if value})


def userinfo(person: Person, scope: tuple[str, ...]) -> dict[str, Any]:
    """What a token may tell of its user (OIDC Core §5.4).

    Nothing is said of whether an address or a number was verified: nobody wrote it down.
    """
    told: dict[str, Any] = {"sub": str(person.user_id)}
    if "email" in scope:
        told["email"] = person.email
    if "phone" in scope and person.phone is not None:
        told["phone_number"] = person.phone
    if "profile" in scope:
        told["updated_at"] = int(person.updated_at.timestamp())
    return told
