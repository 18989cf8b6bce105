"""What a token is said to be (RFC 7662 §2.2), and to whom."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NotRequired

from typing_extensions import TypedDict

from services.mithril_api.domain.bearers import is_of_a_user
from services.mithril_api.domain.oauth2.client_authentication import ClientFacts
from services.mithril_api.domain.records import Token
from shared.models.confirmations import confirmation_of
from shared.models.ids import ClientId
from shared.models.scopes import joined
from shared.models.tokens import TokenName


class IntrospectionObject(TypedDict):
    """What a token is; of one that is not active, no more than that."""

    active: bool
    iss: NotRequired[str]
    sub: NotRequired[str]
    client_id: NotRequired[str]
    scope: NotRequired[str]
    exp: NotRequired[int]
    iat: NotRequired[int]
    jti: NotRequired[str]
    token_type: NotRequired[str]
    aud: NotRequired[list[str]]
    cnf: NotRequired[dict[str, str]]
    act: NotRequired[dict[str, Any]]


TYP = "token-introspection+jwt"
INACTIVE: dict[str, Any] = {"active": False}


def subject_of(token: Token) -> str:
    """Whom a token stands for: its user, or the client itself."""
    return str(token.user_id if is_of_a_user(token) else token.client_id)


def may_see(asking: ClientFacts | None, token: Token) -> bool:
    """Whether the caller is told of a token. None asks: the platform, which is told of all.

    A client is told of its own, and of those that were made for its resources (§4).
    """
    if asking is None or token.client_id == asking.client_id:
        return True
    return bool(set(audience_of(token)).intersection(asking.metadata.resources))


def audience_of(token: Token) -> list[str]:
    """The resources that a token was made for; none: whoever takes it."""
    found = token.details.get("aud")
    return [str(item) for item in found] if isinstance(found, list) else []


def rendered(token: Token, *, issuer: str) -> dict[str, Any]:
    """A live token."""
    body: dict[str, Any] = {
        "active": True,
        "iss": issuer,
        "sub": subject_of(token),
        "client_id": str(token.client_id),
        "scope": joined(token.scope),
        "exp": int(token.expires_at.timestamp()),
        "iat": int(token.inserted_at.timestamp()),
        "jti": str(token.id),
    }
    bound = confirmation_of(token.details)
    if token.name is TokenName.ACCESS:
        body["token_type"] = bound.token_type
    body |= bound.details()
    if "act" in token.details:
        body["act"] = token.details["act"]
    if audience := audience_of(token):
        body["aud"] = audience
    return body


def signed_claims(
    body: Mapping[str, Any], *, issuer: str, asking: ClientId, now: datetime
) -> dict[str, Any]:
    """What is said of a token, said to one client (RFC 9701 §5). It is no access token."""
    return {
        "iss": issuer,
        "aud": str(asking),
        "iat": int(now.timestamp()),
        "token_introspection": body,
    }
