"""What another system told of a thing, and which of two tellings is believed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from services.abac_api.domain.facts import (
    Approval,
    Declaration,
    Employee,
    Justification,
    MergedPerson,
    ResourceFact,
)

Fact: TypeAlias = (
    Employee | Declaration | Approval | ResourceFact | MergedPerson | Justification
)

# A clock may be this much ahead of ours. What claims to be later would hold its place
# against everything true that comes until then.
MOST_AHEAD = timedelta(hours=1)


class Kind(StrEnum):
    """The kinds of facts, as events and paths name them."""

    EMPLOYEE = "employee"
    DECLARATION = "declaration"
    APPROVAL = "approval"
    RESOURCE = "resource"
    MERGED_PERSON = "merged_person"
    JUSTIFICATION = "justification"


class Outcome(StrEnum):
    """What became of a fact that was told."""

    KEPT = "kept"
    OLDER = "older"  # than what is held, or the very same
    REFUSED = "refused"  # by the database, alone and for what it says


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A fact is so since `at`, or, where `fact` is none, is so no longer."""

    kind: Kind
    id: UUID
    at: datetime
    event_id: UUID
    fact: Fact | None


def latest_of(told: Iterable[Told]) -> list[Told]:
    """Of each thing what is believed, whatever the order of arrival.

    The later event; of one moment the withdrawal, since it closes rather than opens; of two
    alike the greater event id. The SQL of store/facts.py compares the same three.
    """
    latest: dict[tuple[Kind, UUID], Told] = {}
    for item in told:
        held = latest.get((item.kind, item.id))
        if held is None or _rank(item) > _rank(held):
            latest[item.kind, item.id] = item
    return list(latest.values())


def is_from_the_future(told: Told, *, now: datetime) -> bool:
    """Whether an event claims a time that no honest clock shows yet."""
    return told.at > now + MOST_AHEAD


def _rank(told: Told) -> tuple[datetime, bool, int]:
    return (told.at, told.fact is None, told.event_id.int)
