"""The log of decisions, as it waits in the outbox (and stays there for its retention)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_api.domain.questions import Question
from shared.events.abac import DecisionMade
from shared.events.envelope import Message
from shared.models.access import Consumer, Context, Resource
from shared.runtime import outbox
from shared.runtime.postgres import driver_of

_NIL = UUID(int=0)

_LOGGED = """
SELECT position, payload::text AS payload FROM outbox
WHERE type = $1 AND position > $2 AND occurred_at >= $3 AND occurred_at < $4
ORDER BY position LIMIT $5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A decision as it was made."""

    position: int
    decision_id: UUID
    question: Question
    result: bool
    rules: tuple[str, ...]
    reason: str | None
    decided_at: datetime


async def record(conn: AsyncConnection, messages: Sequence[Message]) -> None:
    """Put decisions in the outbox, in order: one statement, which may be its own transaction.

    It carries no NOTIFY, which every commit would pay for: who commits wakes the relay.
    """
    await driver_of(conn).execute(outbox.INSERT, *outbox.columns(messages))


async def logged(
    conn: AsyncConnection, *, since: datetime, until: datetime, after: int, limit: int
) -> list[Logged]:
    """Decisions of a time, in the order they were made, from a position on."""
    rows = await driver_of(conn).fetch(
        _LOGGED, DecisionMade.type, after, since, until, limit
    )
    return [_logged(row["position"], orjson.loads(row["payload"])) for row in rows]


def _logged(position: int, record: dict[str, Any]) -> Logged:
    question = Question(
        consumer=Consumer(
            user_id=UUID(record["consumer"]["user_id"]),
            client_id=UUID(record["consumer"]["client_id"]),
            client_type=record["consumer"]["client_type"],
            mis_client_id=_id(record["consumer"]["mis_client_id"]),
            person_id=_id(record["consumer"]["person_id"]),
        ),
        resource=Resource(
            type=record["resource"]["type"],
            action=record["resource"]["action"],
            id=_id(record["resource"]["id"]),
        ),
        contexts=tuple(
            Context(type=item["type"], id=UUID(item["id"])) for item in record["contexts"]
        ),
        is_malformed=_is_malformed(record),
    )
    return Logged(
        position=position,
        decision_id=UUID(record["decision_id"]),
        question=question,
        result=record["result"],
        rules=tuple(record["rules"]),
        reason=record["reason"],
        decided_at=datetime.fromisoformat(record["decided_at"]),
    )


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _is_malformed(record: dict[str, Any]) -> bool:
    """Whether something in the question was no id: it is on record as the nil UUID."""
    ids = [*record["consumer"].values(), record["resource"]["id"]]
    ids += [item["id"] for item in record["contexts"]]
    return str(_NIL) in ids
