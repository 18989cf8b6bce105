"""SQL over the tokens of users whose passwords are too old."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.schema.mithril import tokens as t
from shared.models.schema.mithril import users as u
from shared.models.tokens import TokenName

# What a user needs to set a new password.
_SPARED = (TokenName.SECOND_FACTOR, TokenName.CHANGE_PASSWORD)


async def users_with_old_passwords(
    conn: AsyncConnection, *, set_before: datetime, after: UUID, limit: int
) -> Sequence[UUID]:
    """Users whose password is older than that, from an id on, in order."""
    query = (
        select(u.c.id)
        .where(u.c.password_set_at <= set_before, u.c.id > after)
        .order_by(u.c.id)
        .limit(limit)
    )
    return (await conn.execute(query)).scalars().all()


async def lock_those_with_live_tokens(
    conn: AsyncConnection, user_ids: Sequence[UUID], *, set_before: datetime, now: datetime
) -> Sequence[UUID]:
    """Those of the users who have a token to revoke; their rows are held.

    The lock keeps a new password from being set until the commit: what is issued after it
    must live. So the age is asked again, and a user being written now is skipped.
    """
    query = (
        select(u.c.id)
        .where(
            u.c.id.in_(user_ids),
            u.c.password_set_at <= set_before,
            exists().where(t.c.user_id == u.c.id, _live(now)),
        )
        .order_by(u.c.id)
        .with_for_update(of=u, key_share=True, skip_locked=True)
    )
    return (await conn.execute(query)).scalars().all()


async def revoke(
    conn: AsyncConnection, user_ids: Sequence[UUID], *, at: datetime
) -> Counter[UUID]:
    """Revoke the live tokens of users, but for those that set a password. Counts by user.

    Again until nothing is left, because a refresh under way holds its refresh token: a
    statement waits for it, but what that refresh inserted is invisible to the statement's
    snapshot. A statement that finds nothing met no refresh either: the token of one would
    have been live. The rows are locked in the order in which refreshes lock theirs.
    """
    chosen = (
        select(t.c.id, t.c.expires_at)
        .where(t.c.user_id.in_(user_ids), _live(at))
        .order_by(t.c.digest)
        .with_for_update(key_share=True)
        .cte("chosen")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    statement = (
        update(t)
        .where(t.c.id == chosen.c.id, t.c.expires_at == chosen.c.expires_at)
        .values(revoked_at=at, updated_at=at)
        .returning(t.c.user_id)
    )
    revoked: Counter[UUID] = Counter()
    while found := (await conn.execute(statement)).scalars().all():
        revoked.update(found)
    return revoked


def _live(now: datetime) -> ColumnElement[bool]:
    return (t.c.revoked_at.is_(None)) & (t.c.expires_at > now) & t.c.name.not_in(_SPARED)
