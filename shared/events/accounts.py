"""Facts about users, clients, consents and roles: topic `mithril.accounts`."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.events.envelope import Event

TOPIC = "mithril.accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class _UserEvent(Event):
    topic: ClassVar[str] = TOPIC

    user_id: UUID

    def key(self) -> str:
        return str(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClientEvent(Event):
    topic: ClassVar[str] = TOPIC

    client_id: UUID

    def key(self) -> str:
        return str(self.client_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSucceeded(_UserEvent):
    """Somebody signed in."""

    type: ClassVar[str] = "mithril.login.succeeded.v1"

    client_id: UUID
    grant_type: str
    token_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginFailed(_UserEvent):
    """A sign-in of a known user was refused. Unknown e-mails leave no event: they have no key."""

    type: ClassVar[str] = "mithril.login.failed.v1"

    client_id: UUID
    grant_type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCreated(_UserEvent):
    """An account was made."""

    type: ClassVar[str] = "mithril.user.created.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUpdated(_UserEvent):
    """Fields of an account changed; names only, never values."""

    type: ClassVar[str] = "mithril.user.updated.v1"

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeleted(_UserEvent):
    """An account is gone, with its tokens, consents and roles."""

    type: ClassVar[str] = "mithril.user.deleted.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserBlocked(_UserEvent):
    """An account was blocked; its tokens are revoked by the same transaction."""

    type: ClassVar[str] = "mithril.user.blocked.v1"

    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUnblocked(_UserEvent):
    """An account may be used again."""

    type: ClassVar[str] = "mithril.user.unblocked.v1"

    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(_UserEvent):
    """A password was set anew."""

    type: ClassVar[str] = "mithril.user.password-changed.v1"

    by: Literal["user", "operator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryStarted(_UserEvent):
    """A link to set a new password was made, to be mailed to the user."""

    type: ClassVar[str] = "mithril.user.recovery-started.v1"

    recovery_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorChanged(_UserEvent):
    """A second factor was set up, changed, reset, enabled, disabled or removed."""

    type: ClassVar[str] = "mithril.user.factor-changed.v1"

    factor_id: UUID
    factor_type: str
    change: Literal["created", "changed", "reset", "enabled", "disabled", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorLocked(_UserEvent):
    """Too many wrong codes: second factors of the user are not taken until then."""

    type: ClassVar[str] = "mithril.user.factor-locked.v1"

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRoleGranted(_UserEvent):
    """A user got a role, in a client or everywhere."""

    type: ClassVar[str] = "mithril.user.role-granted.v1"

    role_id: UUID
    client_id: UUID | None  # none: a global role


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRoleWithdrawn(_UserEvent):
    """A user lost a role, in a client or everywhere."""

    type: ClassVar[str] = "mithril.user.role-withdrawn.v1"

    role_id: UUID
    client_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppApproved(_UserEvent):
    """A user consented to what a client may do; `scope` is the whole of it afterwards."""

    type: ClassVar[str] = "mithril.app.approved.v1"

    app_id: UUID
    client_id: UUID
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRevoked(_UserEvent):
    """A consent was withdrawn; its tokens are revoked by the same transaction."""

    type: ClassVar[str] = "mithril.app.revoked.v1"

    app_id: UUID
    client_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCreated(_ClientEvent):
    """A client was registered. The name lets consumers show it without asking."""

    type: ClassVar[str] = "mithril.client.created.v1"

    name: str
    client_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRegistered(_ClientEvent):
    """A client registered itself (RFC 7591), by a token of an operator where one was shown."""

    type: ClassVar[str] = "mithril.client.registered.v1"

    name: str
    registration_token_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientUpdated(_ClientEvent):
    """A client changed; the name is the present one."""

    type: ClassVar[str] = "mithril.client.updated.v1"

    name: str
    client_type: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDeleted(_ClientEvent):
    """A client is gone, with its connections, consents and roles."""

    type: ClassVar[str] = "mithril.client.deleted.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientBlocked(_ClientEvent):
    """A client was blocked: verify and refresh refuse its tokens."""

    type: ClassVar[str] = "mithril.client.blocked.v1"

    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientUnblocked(_ClientEvent):
    """A client may be used again."""

    type: ClassVar[str] = "mithril.client.unblocked.v1"

    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChanged(_ClientEvent):
    """A connection was made, changed or deleted."""

    type: ClassVar[str] = "mithril.connection.changed.v1"

    connection_id: UUID
    consumer_id: UUID
    change: Literal["created", "updated", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSecretRotated(_ClientEvent):
    """A connection has a new secret; the former one works until its end."""

    type: ClassVar[str] = "mithril.connection.secret-rotated.v1"

    connection_id: UUID
    consumer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSecretExpiring(_ClientEvent):
    """The secret of a connection ends soon, and there is none after it. Told once a secret."""

    type: ClassVar[str] = "mithril.connection.secret-expiring.v1"

    connection_id: UUID
    consumer_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged(Event):
    """A role was made, changed or deleted; the scope is what it holds afterwards."""

    type: ClassVar[str] = "mithril.role.changed.v1"
    topic: ClassVar[str] = TOPIC

    role_id: UUID
    name: str
    scope: tuple[str, ...]
    change: Literal["created", "updated", "deleted"]

    def key(self) -> str:
        return str(self.role_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTypeChanged(Event):
    """A client type was made, changed or deleted; the scope is what it holds afterwards."""

    type: ClassVar[str] = "mithril.client-type.changed.v1"
    topic: ClassVar[str] = TOPIC

    client_type_id: UUID
    name: str
    scope: tuple[str, ...]
    change: Literal["created", "updated", "deleted"]

    def key(self) -> str:
        return str(self.client_type_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCompleted(Event):
    """Rows moved in from a database of the original: how many, by table. Each has no event."""

    type: ClassVar[str] = "mithril.import.completed.v1"
    topic: ClassVar[str] = TOPIC

    import_id: UUID
    source: str  # host, port and database
    changes: dict[str, int]

    def key(self) -> str:
        return str(self.import_id)
