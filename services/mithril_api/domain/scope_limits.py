"""Client types and roles: a name, and the most that a client or a user may be granted by it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, assert_never
from uuid import UUID

from shared.events.accounts import ClientTypeChanged, RoleChanged
from shared.events.envelope import Event


class Kind(StrEnum):
    """What a scope limit limits. The value is the name of the thing in paths and bodies."""

    CLIENT_TYPE = "client_type"
    ROLE = "role"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeLimit:
    """A client type or a role."""

    id: UUID
    name: str
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeLimitChange:
    """What a request changes; none: it stays."""

    name: str | None = None
    scope: tuple[str, ...] | None = None


def changed(
    kind: Kind, limit: ScopeLimit, change: Literal["created", "updated", "deleted"]
) -> Event:
    """The event that tells what became of one."""
    name, scope = limit.name, limit.scope
    match kind:
        case Kind.CLIENT_TYPE:
            return ClientTypeChanged(
                client_type_id=limit.id, name=name, scope=scope, change=change
            )
        case Kind.ROLE:
            return RoleChanged(role_id=limit.id, name=name, scope=scope, change=change)
        case _:
            assert_never(kind)
