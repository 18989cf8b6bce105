"""Rows of the token tables as values: what rules judge and stores return."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NotRequired
from uuid import UUID

from pydantic import ConfigDict
from typing_extensions import TypedDict

from shared.models.ids import AppId, ClientId, ConnectionId, FamilyId, TokenId, UserId
from shared.models.scopes import joined
from shared.models.tokens import TokenName


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token at rest. Its value is not here: nobody but its holder has it."""

    id: TokenId
    name: TokenName
    digest: bytes = field(repr=False)
    user_id: UserId
    client_id: ClientId | None
    app_id: AppId | None = None
    connection_id: ConnectionId | None = None
    family_id: FamilyId
    generation: int = 0
    scope: tuple[str, ...] = ()
    grant_type: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    expires_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    successor_id: TokenId | None = None
    successor_expires_at: datetime | None = None
    inserted_at: datetime

    def is_live(self, now: datetime) -> bool:
        """Whether it still works; it ends on the dot (spec §2.1: expired is `<= now`)."""
        return self.revoked_at is None and self.expires_at > now

    def ends_at(self) -> datetime:
        """When it stopped or will stop working."""
        if self.revoked_at is None:
            return self.expires_at
        return min(self.expires_at, self.revoked_at)


class TokenDetails(TypedDict, total=False):
    """What is known of a token. What an operator wrote there stands there, too."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's own

    client_id: UUID
    grant_type: str
    scope: str
    app_id: UUID
    refresh_token: str
    redirect_uri: str
    cnf: dict[str, str]
    act: dict[str, Any]  # who acts for the user (RFC 8693 §4.1)


class TokenObject(TypedDict):
    """A token. Its value is there only where the caller has it already, or must learn it now."""

    id: UUID
    name: TokenName
    value: NotRequired[str]
    expires_at: int  # Unix seconds
    user_id: UUID
    details: TokenDetails


# Of a token that a service got for another (RFC 8693): for which, and of which clients. It ends
# with any of them.
EXCHANGED_FROM = "exchanged_from"
EXCHANGED_CLIENTS = "exchanged_clients"
CONSTRAINED = "sender_constrained"  # of refresh tokens: what they buy is bound to a key

# Details that are for us to compare, or on their way to become a factor.
_OURS_ALONE = frozenset(
    {
        "code_challenge",
        "dpop_jkt",
        "family_started_at",
        "resource",
        "sign_in",
        "request_authentication_factor",
        "request_authentication_factor_name",
        "request_authentication_factor_type",
        "webauthn_challenge",
        CONSTRAINED,
        EXCHANGED_CLIENTS,
        EXCHANGED_FROM,
    }
)


def rendered(
    token: Token, *, value: str | None, refresh_token: str | None = None
) -> dict[str, Any]:
    """The Token object of the contract (spec §1.3): `expires_at` in unix seconds.

    `value` is given only where the caller already has it or must learn it now.
    """
    details: dict[str, Any] = {"client_id": token.client_id, "grant_type": token.grant_type}
    details = {name: item for name, item in details.items() if item is not None}
    if token.name is not TokenName.CODE:
        details["scope"] = joined(token.scope)
    if token.app_id is not None and token.name is not TokenName.CODE:
        details["app_id"] = token.app_id
    details.update(
        (key, item) for key, item in token.details.items() if key not in _OURS_ALONE
    )
    if refresh_token is not None:
        details["refresh_token"] = refresh_token
    body: dict[str, Any] = {
        "id": token.id,
        "name": token.name,
        "expires_at": int(token.ends_at().timestamp()),
        "user_id": token.user_id,
        "details": details,
    }
    if value is not None:
        body["value"] = value
    return body
