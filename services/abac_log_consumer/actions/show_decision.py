"""One decision with what vouches for it."""

from uuid import UUID

from services.abac_log_consumer.actions.asking import write_down
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.entries import Asker, Checkpoint, Decision
from services.abac_log_consumer.store import reading


async def show_decision(
    deps: Deps, event_id: UUID, *, asker: Asker
) -> tuple[Decision, Checkpoint | None] | None:
    """The decision and the checkpoint that covers it, if any; none if there is no such record."""
    async with deps.db.begin() as conn:
        found = await reading.decision_with_checkpoint(conn, event_id)
        await write_down(
            deps,
            conn,
            asker,
            operation="abac_log",
            filters={"id": event_id},
            rows=0 if found is None else 1,
        )
    return found
