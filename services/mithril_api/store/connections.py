"""SQL over connections and their secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, or_, select, update
from sqlalchemy import false as sql_false
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.api_keys import KeyFacts
from services.mithril_api.domain.connections import Connection
from services.mithril_api.store.paging import page_of
from shared.models.ids import ClientId, ConnectionId
from shared.models.schema.mithril import client_types as ct
from shared.models.schema.mithril import clients as c
from shared.models.schema.mithril import connection_secrets as s
from shared.models.schema.mithril import connections as cn


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The connection that a client's secret belongs to."""

    id: ConnectionId
    redirect_uri: str
    client_is_blocked: bool


async def by_secret(
    conn: AsyncConnection, client_id: ClientId, digests: Sequence[bytes], *, now: datetime
) -> Credentials | None:
    """The connection of this client which has the secret, present or rotating out."""
    query = (
        select(cn.c.id, cn.c.redirect_uri, c.c.is_blocked)
        .join(cn, cn.c.id == s.c.connection_id)
        .join(c, c.c.id == cn.c.client_id)
        .where(
            s.c.digest.in_(digests),
            cn.c.client_id == client_id,
            or_(s.c.expires_at.is_(None), s.c.expires_at > now),
        )
        .limit(1)
    )
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    return Credentials(
        id=row.id, redirect_uri=row.redirect_uri, client_is_blocked=row.is_blocked
    )


async def redirect_uris(conn: AsyncConnection, client_id: ClientId) -> list[str]:
    """Every redirect URI registered for a client."""
    query = select(cn.c.redirect_uri).where(cn.c.client_id == client_id).order_by(cn.c.id)
    return list((await conn.execute(query)).scalars())


async def listed(
    conn: AsyncConnection,
    client_id: ClientId,
    *,
    consumer_id: ClientId | None,
    redirect_uri: str | None,
    number: int,
    size: int,
) -> tuple[list[Connection], int]:
    """A page of a client's connections, oldest first; `redirect_uri` is a part of it."""
    query = (
        select(cn).where(cn.c.client_id == client_id).order_by(cn.c.inserted_at, cn.c.id)
    )
    if consumer_id is not None:
        query = query.where(cn.c.consumer_id == consumer_id)
    if redirect_uri is not None:
        query = query.where(cn.c.redirect_uri.icontains(redirect_uri, autoescape=True))
    rows, total = await page_of(conn, query, number=number, size=size)
    return [_connection(row) for row in rows], total


async def by_id(
    conn: AsyncConnection, client_id: ClientId, connection_id: ConnectionId
) -> Connection | None:
    """A connection of this client."""
    return await _one(conn, _by_id(client_id, connection_id))


async def hold(
    conn: AsyncConnection, client_id: ClientId, connection_id: ConnectionId
) -> Connection | None:
    """The same, its row held until the transaction ends: rotations take turns."""
    query = _by_id(client_id, connection_id)
    return await _one(conn, query.with_for_update(key_share=True))


async def hold_of_consumer(
    conn: AsyncConnection, client_id: ClientId, consumer_id: ClientId
) -> Connection | None:
    """The connection that a consumer has for a client, its row held."""
    query = select(cn).where(cn.c.client_id == client_id, cn.c.consumer_id == consumer_id)
    return await _one(conn, query.with_for_update(key_share=True))


async def add(conn: AsyncConnection, connection: Connection) -> bool:
    """Insert a connection. False: its consumer has one, perhaps made a moment ago."""
    statement = (
        insert(cn)
        .values(
            id=connection.id,
            redirect_uri=connection.redirect_uri,
            client_id=connection.client_id,
            consumer_id=connection.consumer_id,
            inserted_at=connection.inserted_at,
            updated_at=connection.updated_at,
        )
        .on_conflict_do_nothing(index_elements=["client_id", "consumer_id"])
        .returning(cn.c.id)
    )
    return (await conn.execute(statement)).one_or_none() is not None


async def save(conn: AsyncConnection, connection: Connection) -> None:
    """Write what may change of a connection that is held."""
    statement = (
        update(cn)
        .where(cn.c.id == connection.id)
        .values(
            redirect_uri=connection.redirect_uri,
            consumer_id=connection.consumer_id,
            updated_at=connection.updated_at,
        )
    )
    await conn.execute(statement)


async def remove(
    conn: AsyncConnection, client_id: ClientId, connection_id: ConnectionId
) -> Connection | None:
    """Delete a connection with its secrets, and return what it was."""
    statement = (
        delete(cn)
        .where(cn.c.client_id == client_id, cn.c.id == connection_id)
        .returning(cn)
    )
    row = (await conn.execute(statement)).one_or_none()
    return None if row is None else _connection(row)


async def rotate_secret(
    conn: AsyncConnection,
    connection_id: ConnectionId,
    digest: bytes,
    *,
    at: datetime,
    expires_at: datetime | None,
    overlap: timedelta,
) -> None:
    """Give a connection that is held a new secret.

    The former one works until the overlap ends; what was older is removed, so that no more
    than two ever work.
    """
    # Whatever was replaced has an end, so one without is the newest.
    latest = (_is_over(at), s.c.expires_at.is_not(None), s.c.inserted_at.desc())
    await _replace(
        conn, connection_id, digest, latest, at=at, expires_at=expires_at, overlap=overlap
    )


async def reissue_secret(
    conn: AsyncConnection,
    connection_id: ConnectionId,
    digest: bytes,
    *,
    at: datetime,
    expires_at: datetime | None,
    overlap: timedelta,
) -> None:
    """The same, but beside the new one the *oldest* that still works is kept.

    For an upsert that must answer with a secret each time it is repeated: the one that its
    client holds from the first time goes on working, those in between do not.
    """
    first = (_is_over(at), s.c.expires_at.is_(None), s.c.inserted_at)
    await _replace(
        conn, connection_id, digest, first, at=at, expires_at=expires_at, overlap=overlap
    )


async def _replace(
    conn: AsyncConnection,
    connection_id: ConnectionId,
    digest: bytes,
    order: tuple[ColumnElement[Any], ...],
    *,
    at: datetime,
    expires_at: datetime | None,
    overlap: timedelta,
) -> None:
    mine = s.c.connection_id == connection_id
    kept = select(s.c.digest).where(mine).order_by(*order).limit(1).scalar_subquery()
    await conn.execute(delete(s).where(mine, s.c.digest != kept))
    end = func.least(s.c.expires_at, at + overlap)  # least() passes over nulls
    await conn.execute(update(s).where(mine).values(expires_at=end))
    await conn.execute(
        s.insert().values(
            digest=digest,
            connection_id=connection_id,
            inserted_at=at,
            expires_at=expires_at,
        )
    )


def _is_over(at: datetime) -> ColumnElement[bool]:
    return func.coalesce(s.c.expires_at <= at, sql_false())


async def owner_of_key(
    conn: AsyncConnection, digests: Sequence[bytes], *, now: datetime
) -> KeyFacts | None:
    """The client whose connection has this secret, present or rotating out."""
    query = (
        select(
            c.c.id,
            c.c.is_blocked,
            ct.c.scope,
            c.c.priv_settings["broker_scope"].astext.label("broker_scope"),
        )
        .select_from(s)
        .join(cn, cn.c.id == s.c.connection_id)
        .join(c, c.c.id == cn.c.client_id)
        .join(ct, ct.c.id == c.c.client_type_id)
        .where(
            s.c.digest.in_(digests),
            or_(s.c.expires_at.is_(None), s.c.expires_at > now),
        )
        .limit(1)
    )
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    return KeyFacts(
        client_id=row.id,
        client_is_blocked=row.is_blocked,
        client_type_scope=tuple(row.scope),
        broker_scope=row.broker_scope,
    )


def _by_id(client_id: ClientId, connection_id: ConnectionId) -> Select[Any]:
    return select(cn).where(cn.c.client_id == client_id, cn.c.id == connection_id)


async def _one(conn: AsyncConnection, query: Select[Any]) -> Connection | None:
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _connection(row)


def _connection(row: Row[Any]) -> Connection:
    return Connection(
        id=row.id,
        redirect_uri=row.redirect_uri,
        client_id=row.client_id,
        consumer_id=row.consumer_id,
        inserted_at=row.inserted_at,
        updated_at=row.updated_at,
    )
