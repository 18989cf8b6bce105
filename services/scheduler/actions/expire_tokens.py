"""Revoke the tokens of users whose passwords are too old (spec §2.2)."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from services.scheduler.deps import Deps
from services.scheduler.store import passwords
from services.scheduler.work import Progress, message
from shared.events.tokens import TokensRevoked
from shared.runtime import outbox
from shared.runtime.postgres import retrying

_REASON = "password_expired"


async def expire_tokens(deps: Deps, progress: Progress) -> None:
    """A batch of users a transaction, from the lowest id to the highest; an event each.

    Tokens that serve to set a new password stay. Users being written are left to the next run.
    """
    after, limit = UUID(int=0), deps.settings.job_batch_size
    while True:
        progress.checkpoint()
        user_ids, revoked = await retrying(partial(_batch, deps, after=after))
        progress.affected += revoked.total()
        progress.details["users"] = progress.details.get("users", 0) + len(revoked)
        if len(user_ids) < limit:
            return
        after = user_ids[-1]


async def _batch(deps: Deps, *, after: UUID) -> tuple[Sequence[UUID], Counter[UUID]]:
    """The users looked at, and how many tokens of which were revoked."""
    set_before = deps.clock.now() - deps.settings.passwords_last_for()
    async with deps.db.begin() as conn:
        user_ids = await passwords.users_with_old_passwords(
            conn, set_before=set_before, after=after, limit=deps.settings.job_batch_size
        )
        now = deps.clock.now()
        locked = await passwords.lock_those_with_live_tokens(
            conn, user_ids, set_before=set_before, now=now
        )
        if not locked:
            return user_ids, Counter()
        revoked = await passwords.revoke(conn, locked, at=now)
        events = [_revoked(user_id, count) for user_id, count in sorted(revoked.items())]
        await outbox.put_many(conn, [message(deps, event, at=now) for event in events])
        return user_ids, revoked


def _revoked(user_id: UUID, count: int) -> TokensRevoked:
    return TokensRevoked(selector="user", reason=_REASON, user_id=user_id, count=count)
