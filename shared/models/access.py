"""The nouns of an access question: who asks, for what, in which context (spec §9.3)."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Action(StrEnum):
    """What is to be done to a resource; `read` covers lists."""

    READ = "read"
    WRITE = "write"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ACTION = "action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Who asks, and on whose behalf: `client_id` is the legal entity of the token."""

    user_id: UUID
    client_id: UUID
    client_type: str | None = None
    mis_client_id: UUID | None = None
    person_id: UUID | None = None  # of a patient's own token


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What is asked for. Without an id: a list, or what the contexts narrow it to."""

    type: str
    action: str
    id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where the request stands: a patient, an episode, an encounter, a care plan."""

    type: str
    id: UUID
