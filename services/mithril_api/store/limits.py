"""SQL over rate_limits: who used up how much of what they may ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.limits import Holder, Limit
from services.mithril_api.store import sql
from shared.models.schema.mithril import rate_limits as r
from shared.runtime.postgres import driver_of

_TAKE = sql.load("take_turn")
_TAKE_ALL = sql.load("take_turns")
_TAKE_LEFT = sql.load("take_what_is_left")
_BEGIN_ONE = (
    "INSERT INTO rate_limits (key, settles_at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Share:
    """The limit of one holder, and the key under which it is kept."""

    key: bytes = field(repr=False)
    limit: Limit


async def take_turn(
    conn: AsyncConnection, shares: Mapping[Holder, Share], *, now: datetime
) -> Holder | None:
    """Count one request of them all; none: it passes. Else whose limit is used up.

    One statement, which needs no transaction around it.
    """
    arguments: list[Any] = [now]
    for holder in Holder:
        share = shares.get(holder)
        if share is None:
            arguments += [None, None, None]
        else:
            arguments += [share.key, share.limit.interval, share.limit.slack]
    exceeded = await driver_of(conn).fetchval(_TAKE, *arguments)
    return None if exceeded is None else Holder(exceeded)


async def settles_at(conn: AsyncConnection, key: bytes) -> datetime | None:
    """A holder's moment, if any is kept."""
    return (
        await conn.execute(select(r.c.settles_at).where(r.c.key == key))
    ).scalar_one_or_none()


async def take_turns(
    conn: AsyncConnection, asked: Sequence[tuple[Share, int]], *, now: datetime
) -> list[tuple[int, datetime]]:
    """How many of each holder's requests pass, and the moment it is left with.

    `asked` names each holder once. One statement where all pass; where some do not, another
    for each such holder, so that exactly as many pass as may.
    """
    order = sorted(range(len(asked)), key=lambda at: asked[at][0].key)  # of row locks
    shares = [asked[at][0] for at in order]
    rows = await driver_of(conn).fetch(
        _TAKE_ALL,
        now,
        [share.key for share in shares],
        [share.limit.interval for share in shares],
        [share.limit.slack for share in shares],
        [asked[at][1] for at in order],
    )
    settled: dict[bytes, datetime] = {row["key"]: row["settles_at"] for row in rows}
    taken = []
    for share, many in asked:
        if share.key in settled:
            taken.append((many, settled[share.key]))
        else:
            taken.append(await _take_what_is_left(conn, share, many, now=now))
    return taken


async def _take_what_is_left(
    conn: AsyncConnection, share: Share, many: int, *, now: datetime
) -> tuple[int, datetime]:
    driver = driver_of(conn)
    await driver.execute(_BEGIN_ONE, share.key, now)
    limit = share.limit
    row = await driver.fetchrow(
        _TAKE_LEFT, now, share.key, limit.interval, limit.slack, many
    )
    return (0, now) if row is None else (row["passing"], row["settles_at"])
