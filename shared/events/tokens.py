"""Facts about tokens: topic `mithril.tokens`, keyed by user. None ever carries a value."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.events.envelope import Event

TOPIC = "mithril.tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssued(Event):
    """A token was made by sign-in, consent, code or an operator: by no refresh and no exchange."""

    type: ClassVar[str] = "mithril.token.issued.v1"
    topic: ClassVar[str] = TOPIC

    token_id: UUID
    name: str  # access_token, refresh_token, authorization_code, …
    user_id: UUID
    client_id: UUID | None
    app_id: UUID | None
    family_id: UUID
    grant_type: str | None
    scope: tuple[str, ...]
    expires_at: datetime

    def key(self) -> str:
        return str(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefreshed(Event):
    """A refresh token was exchanged for an access token."""

    type: ClassVar[str] = "mithril.token.refreshed.v1"
    topic: ClassVar[str] = TOPIC

    token_id: UUID  # of the new access token
    refresh_token_id: UUID
    successor_id: UUID | None  # of the new refresh token, where the policy rotates
    user_id: UUID
    client_id: UUID
    app_id: UUID
    family_id: UUID
    generation: int
    scope: tuple[str, ...]
    expires_at: datetime

    def key(self) -> str:
        return str(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExchanged(Event):
    """A service got a token to act for a user whose token came to it (RFC 8693).

    `client_id` acts, for `user_id`, and `actors` says through whom: the present one first.
    """

    type: ClassVar[str] = "mithril.token.exchanged.v1"
    topic: ClassVar[str] = TOPIC

    token_id: UUID
    subject_token_id: UUID  # the one that was shown
    user_id: UUID
    client_id: UUID
    subject_client_id: UUID | None  # whose token was shown
    actors: tuple[str, ...]
    family_id: UUID
    scope: tuple[str, ...]
    audience: tuple[str, ...]
    expires_at: datetime

    def key(self) -> str:
        return str(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChanged(Event):
    """An operator changed a token; `fields` names what changed, the rest is how it is now."""

    type: ClassVar[str] = "mithril.token.changed.v1"
    topic: ClassVar[str] = TOPIC

    token_id: UUID
    name: str
    user_id: UUID
    client_id: UUID | None
    fields: tuple[str, ...]
    scope: tuple[str, ...]
    expires_at: datetime

    def key(self) -> str:
        return str(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensRevoked(Event):
    """Tokens stopped working before their time. `selector` says which fields chose them."""

    type: ClassVar[str] = "mithril.token.revoked.v1"
    topic: ClassVar[str] = TOPIC

    selector: Literal["token", "family", "app", "client", "user"]
    reason: str  # user_blocked, logout, app_deleted, code_reused, password_changed, …
    user_id: UUID | None
    client_id: UUID | None = None
    app_id: UUID | None = None
    family_id: UUID | None = None
    token_id: UUID | None = None
    count: int

    def key(self) -> str:
        return str(self.user_id or self.client_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseDetected(Event):
    """A single-use token came back: one of its two holders is a thief. Its family is revoked."""

    type: ClassVar[str] = "mithril.token.reuse-detected.v1"
    topic: ClassVar[str] = TOPIC

    token_id: UUID
    name: str  # refresh_token or authorization_code
    user_id: UUID
    client_id: UUID
    family_id: UUID
    generation: int

    def key(self) -> str:
        return str(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensPurged(Event):
    """Tokens long expired are gone: a whole partition, or those that had none (`tokens_default`).

    `count` is exact up to 10 000 and may be an estimate above.
    """

    type: ClassVar[str] = "mithril.token.purged.v1"
    topic: ClassVar[str] = TOPIC

    partition: str
    expired_before: datetime
    count: int
    job_run_id: UUID

    def key(self) -> str:
        return self.partition
