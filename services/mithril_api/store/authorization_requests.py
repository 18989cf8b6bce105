"""SQL over authorization_requests: what clients ask their users for, each used once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.ids import ClientId
from shared.models.schema.mithril import authorization_requests as r


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A request at rest. Its value is not here: nobody but its holder has it."""

    client_id: ClientId
    parameters: Mapping[str, Any]
    inserted_at: datetime


async def add(
    conn: AsyncConnection,
    digest: bytes,
    kept: Kept,
    *,
    pushed: bool,
    expires_at: datetime,
) -> None:
    """Keep a request until it is used or expires."""
    statement = r.insert().values(
        digest=digest,
        client_id=kept.client_id,
        pushed=pushed,
        parameters=dict(kept.parameters),
        inserted_at=kept.inserted_at,
        expires_at=expires_at,
    )
    await conn.execute(statement)


async def find(
    conn: AsyncConnection, digest: bytes, client_id: ClientId, *, now: datetime
) -> Kept | None:
    """A request that waits for its user, if it is this client's and has not expired."""
    query = select(r).where(
        r.c.digest == digest,
        r.c.client_id == client_id,
        r.c.pushed.is_(False),
        r.c.expires_at > now,
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _kept(row)


async def take(
    conn: AsyncConnection,
    digest: bytes,
    client_id: ClientId,
    *,
    pushed: bool,
    now: datetime,
) -> Kept | None:
    """The same, and it is gone: of two that take it at once, one gets it."""
    statement = (
        r.delete()
        .where(
            r.c.digest == digest,
            r.c.client_id == client_id,
            r.c.pushed.is_(pushed),
            r.c.expires_at > now,
        )
        .returning(r)
    )
    row = (await conn.execute(statement)).one_or_none()
    return None if row is None else _kept(row)


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        client_id=ClientId(row.client_id),
        parameters=row.parameters,
        inserted_at=row.inserted_at,
    )
