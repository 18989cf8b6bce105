"""One decision with what vouches for it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_log_consumer.actions.asking import write_down
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.entries import (
    Asker,
    Checkpoint,
    Decision,
    Following,
)
from services.abac_log_consumer.store import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A decision, the checkpoint that covers it and the record that follows it, if any."""

    decision: Decision
    checkpoint: Checkpoint | None
    following: Following | None


async def show_decision(deps: Deps, event_id: UUID, *, asker: Asker) -> Shown | None:
    """The decision with what vouches for it; none if there is no such record."""
    async with deps.db.begin() as conn:
        found = await _found(conn, event_id)
        await write_down(
            deps,
            conn,
            asker,
            operation="abac_log",
            filters={"id": event_id},
            rows=0 if found is None else 1,
        )
    return found


async def _found(conn: AsyncConnection, event_id: UUID) -> Shown | None:
    found = await reading.decision_with_checkpoint(conn, event_id)
    if found is None:
        return None
    decision, checkpoint = found
    following = await reading.following(conn, decision.link)
    return Shown(decision=decision, checkpoint=checkpoint, following=following)
