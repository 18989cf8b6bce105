"""Tell of client secrets ahead of their end."""

from services.scheduler.deps import Deps
from services.scheduler.store import secrets
from services.scheduler.work import Progress, message
from shared.runtime import outbox


async def tell_expiring_secrets(deps: Deps, progress: Progress) -> None:
    """An event for each secret, once: its mark and its event are one commit."""
    limit = deps.settings.job_batch_size
    done = limit
    while done == limit:
        progress.checkpoint()
        async with deps.db.begin() as conn:
            now = deps.clock.now()
            events = await secrets.mark_expiring(
                conn, now=now, until=now + deps.settings.secrets_told_ahead(), limit=limit
            )
            if events:
                messages = [message(deps, event, at=now) for event in events]
                await outbox.put_many(conn, messages)
        done = len(events)
        progress.affected += done
    async with deps.db.read() as conn:
        now = deps.clock.now()
        until = now + deps.settings.secrets_told_ahead()
        count = await secrets.count_expiring(conn, now=now, until=until)
    deps.metrics.secrets_expiring.set(count)
