"""SQL over rate_limits: who used up how much of what they may ask for."""

from collections.abc import Mapping
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
