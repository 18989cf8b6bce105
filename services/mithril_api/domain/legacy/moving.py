"""What a rule says of a row of the original, and what rules know beside the row."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from services.mithril_api.domain.legacy import reading
from services.mithril_api.domain.legacy.findings import Finding, Kind

Row: TypeAlias = Mapping[str, Any]

# Owns what has lost its owner. It is part of every installation, here as in the original.
SYSTEM_USER = UUID("4261eacf-8008-4e62-899f-de1e2f7065f0")
_SLACK = timedelta(minutes=5)  # by which two clocks may differ


@dataclass(frozen=True, slots=True)
class Judged:
    """The row as it is here, in the order of its part's columns; none: it is left out."""

    row: tuple[Any, ...] | None
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True, kw_only=True)
class Known:
    """What was read so far. Grows with clients, roles and oddities; not with users or tokens."""

    now: datetime
    digest_of_secret: Callable[[str], bytes] = field(repr=False)
    client_types: set[UUID] = field(default_factory=set)
    roles: set[UUID] = field(default_factory=set)
    clients: dict[str, UUID] = field(default_factory=dict)  # by the text of the id
    redirects: dict[UUID, set[str]] = field(default_factory=dict)
    users_left_out: set[UUID] = field(default_factory=set)

    def has_user(self, row: Row) -> bool:
        """Whether the user whom a row names comes along."""
        return bool(row["has_user"]) and row["user_id"] not in self.users_left_out

    def has_client(self, client_id: UUID | None) -> bool:
        """Whether a client comes along."""
        return client_id is not None and str(client_id) in self.clients


Judge: TypeAlias = Callable[[Row, Known], Judged]


def left_out(row: Row, kind: Kind) -> Judged:
    """Nothing of the row comes along."""
    return Judged(None, (Finding(kind, str(row["id"])),))


def odd(row: Row, kinds: Iterable[Kind]) -> tuple[Finding, ...]:
    """Findings about a row."""
    return tuple(Finding(kind, str(row["id"])) for kind in kinds)


def times(row: Row, known: Known) -> tuple[datetime, datetime, tuple[Finding, ...]]:
    """When a row was made and last changed, and whether that can be."""
    made, changed = (
        reading.moment(row["inserted_at"]),
        reading.moment(row["updated_at"]),
    )
    if max(made, changed) <= known.now + _SLACK:
        return made, changed, ()
    return made, changed, odd(row, [Kind.TIME_AHEAD])


def at(seconds: int) -> datetime:
    """A moment of the original's tokens: seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
