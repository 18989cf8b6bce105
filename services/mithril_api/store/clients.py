"""SQL over clients and the history of their blocks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.clients import Client
from services.mithril_api.store.paging import page_of
from shared.models.ids import ClientId, UserId
from shared.models.schema.mithril import client_block_history
from shared.models.schema.mithril import client_types as ct
from shared.models.schema.mithril import clients as c


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFilters:
    """Which clients are asked for; none: any."""

    id: ClientId | None = None
    user_id: UserId | None = None
    name: str | None = None  # a part of it, whatever the case of its letters
    is_blocked: bool | None = None


async def listed(
    conn: AsyncConnection, filters: ClientFilters, *, number: int, size: int
) -> tuple[list[Client], int]:
    """A page of clients, oldest first."""
    query = select(c).order_by(c.c.inserted_at, c.c.id)
    if filters.id is not None:
        query = query.where(c.c.id == filters.id)
    if filters.user_id is not None:
        query = query.where(c.c.user_id == filters.user_id)
    if filters.name is not None:
        query = query.where(c.c.name.icontains(filters.name, autoescape=True))
    if filters.is_blocked is not None:
        query = query.where(c.c.is_blocked.is_(filters.is_blocked))
    rows, total = await page_of(conn, query, number=number, size=size)
    return [client_of(row) for row in rows], total


async def with_type(
    conn: AsyncConnection, client_id: ClientId
) -> tuple[Client, str] | None:
    """A client and the name of its type."""
    query = (
        select(c, ct.c.name.label("client_type_name"))
        .join(ct, ct.c.id == c.c.client_type_id)
        .where(c.c.id == client_id)
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else (client_of(row), row.client_type_name)


async def hold(conn: AsyncConnection, client_id: ClientId) -> Client | None:
    """A client, its row held until the transaction ends.

    Of two changes, the second sees what the first made.
    """
    query = select(c).where(c.c.id == client_id).with_for_update(key_share=True)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else client_of(row)


async def add(conn: AsyncConnection, client: Client) -> bool:
    """Insert a client. False: there is one with this id, perhaps made a moment ago."""
    statement = (
        insert(c)
        .values(_columns(client))
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(c.c.id)
    )
    return (await conn.execute(statement)).one_or_none() is not None


async def save(conn: AsyncConnection, client: Client) -> None:
    """Write every field of a client that is held."""
    await conn.execute(c.update().where(c.c.id == client.id).values(_columns(client)))


async def remove(conn: AsyncConnection, client_id: ClientId) -> bool:
    """Delete a client with its connections, consents and roles. False: there is none."""
    gone = await conn.execute(c.delete().where(c.c.id == client_id))
    return gone.rowcount == 1


async def note_block(conn: AsyncConnection, client: Client, *, at: datetime) -> None:
    """Add what a client is now to the history of its blocks."""
    await conn.execute(
        client_block_history.insert().values(
            client_id=client.id,
            is_blocked=client.is_blocked,
            block_reason=client.block_reason,
            inserted_at=at,
        )
    )


async def type_name(conn: AsyncConnection, client_type_id: UUID) -> str:
    """The name of a client type that a client of this transaction has."""
    query = select(ct.c.name).where(ct.c.id == client_type_id)
    name: str = (await conn.execute(query)).scalar_one()
    return name


def _columns(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "name": client.name,
        "settings": client.settings,
        "priv_settings": client.priv_settings,
        "is_blocked": client.is_blocked,
        "block_reason": client.block_reason,
        "user_id": client.user_id,
        "client_type_id": client.client_type_id,
        "inserted_at": client.inserted_at,
        "updated_at": client.updated_at,
    }


def client_of(row: Row[Any]) -> Client:
    """A row of clients as a value."""
    return Client(
        id=row.id,
        name=row.name,
        settings=row.settings,
        priv_settings=row.priv_settings,
        is_blocked=row.is_blocked,
        block_reason=row.block_reason,
        user_id=row.user_id,
        client_type_id=row.client_type_id,
        inserted_at=row.inserted_at,
        updated_at=row.updated_at,
    )
