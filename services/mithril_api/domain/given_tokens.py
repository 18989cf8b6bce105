"""Tokens that an operator gives or changes (spec §1.4): how what is said becomes a token."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.mithril_api.domain import values
from services.mithril_api.domain.records import Token
from shared.models.ids import AppId, ClientId, FamilyId, TokenId, UserId
from shared.models.tokens import TokenName

# What has a column of its own, and what must not be at rest at all (D4, W3).
_NOT_KEPT = frozenset({"client_id", "app_id", "grant_type", "scope", "refresh_token"})


def kept(written: Mapping[str, Any]) -> dict[str, Any]:
    """Of details as somebody wrote them, what is kept as it is."""
    return {key: item for key, item in written.items() if key not in _NOT_KEPT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """The `details` of a token as somebody wrote them."""

    client_id: ClientId | None
    app_id: AppId | None
    grant_type: str | None
    scope: tuple[str, ...]
    scope_request: tuple[str, ...]
    is_used: bool
    written: Mapping[str, Any] = field(repr=False)

    def kept(self) -> dict[str, Any]:
        """What is kept as it was written."""
        return kept(self.written)

    def granted(self, name: TokenName) -> tuple[str, ...]:
        """The scope that a token of this kind carries: a code carries what it will buy."""
        return self.scope_request if name is TokenName.CODE else self.scope


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGiven:
    """A token in full."""

    name: TokenName
    value: str = field(repr=False)
    user_id: UserId
    expires_at: datetime
    details: Details


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChange:
    """What a request changes; none: it stays."""

    name: TokenName | None = None
    value: str | None = field(default=None, repr=False)
    user_id: UserId | None = None
    expires_at: datetime | None = None
    details: Details | None = None


def given(token_id: TokenId, asked: TokenGiven, *, now: datetime) -> Token:
    """The token, of a family of its own."""
    details = asked.details
    return Token(
        id=token_id,
        name=asked.name,
        digest=values.digest_of(asked.value),
        user_id=asked.user_id,
        client_id=details.client_id,
        app_id=details.app_id,
        family_id=FamilyId(token_id),
        scope=details.granted(asked.name),
        grant_type=details.grant_type,
        details=details.kept(),
        expires_at=asked.expires_at,
        used_at=now if details.is_used else None,
        inserted_at=now,
    )


def changed(token: Token, change: TokenChange, *, now: datetime) -> Token:
    """The token with what the request says. A revoked one stays revoked."""
    after = replace(
        token,
        name=change.name or token.name,
        digest=token.digest if change.value is None else values.digest_of(change.value),
        user_id=change.user_id or token.user_id,
        expires_at=change.expires_at or token.expires_at,
    )
    details = change.details
    if details is None:
        return after
    return replace(
        after,
        client_id=details.client_id,
        app_id=details.app_id,
        grant_type=details.grant_type,
        scope=details.granted(after.name),
        details=details.kept(),
        used_at=token.used_at or (now if details.is_used else None),
    )


_TOLD = {
    "name": ("name",),
    "value": ("digest",),
    "user_id": ("user_id",),
    "expires_at": ("expires_at",),
    "details": ("client_id", "app_id", "grant_type", "scope", "details", "used_at"),
}


def fields_between(before: Token, after: Token) -> tuple[str, ...]:
    """The fields of the contract in which a token differs from what it was."""
    return tuple(
        name
        for name, columns in _TOLD.items()
        if any(getattr(before, column) != getattr(after, column) for column in columns)
    )
