"""SQL over apps: a user's consent to what a client may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.store.paging import page_of
from shared.models.ids import AppId, ClientId, UserId
from shared.models.schema.mithril import apps as a
from shared.models.schema.mithril import clients as c


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A consent."""

    id: AppId
    user_id: UserId
    client_id: ClientId
    scope: tuple[str, ...]
    inserted_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedApp:
    """A consent beside the name of its client."""

    app: App
    client_name: str


async def of_user_and_client(
    conn: AsyncConnection, user_id: UserId, client_id: ClientId
) -> App | None:
    """The one consent of a user for a client."""
    query = select(a).where(a.c.user_id == user_id, a.c.client_id == client_id)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else app_of(row)


async def approve(
    conn: AsyncConnection,
    *,
    new_id: UUID,
    user_id: UserId,
    client_id: ClientId,
    scope: Sequence[str],
    now: datetime,
) -> App:
    """Record a consent, or widen the one there is; new scopes come first (spec §1.3 O3).

    One statement, so that it neither loses a scope to another consent at once, nor meets an
    approval that goes away between two of its steps: it waits, and makes a new one.
    """
    added = insert(a).values(
        id=new_id,
        user_id=user_id,
        client_id=client_id,
        scope=list(dict.fromkeys(scope)),
        inserted_at=now,
        updated_at=now,
    )
    statement = added.on_conflict_do_update(
        index_elements=["user_id", "client_id"],
        set_={"scope": _WIDER, "updated_at": now},
    )
    return app_of((await conn.execute(statement.returning(a))).one())


# As shared.models.scopes.merged, where the database has both: new ones first, each once.
_WIDER = text(
    "excluded.scope || ARRAY(SELECT old FROM unnest(apps.scope) WITH ORDINALITY AS o (old, n)"
    " WHERE old <> ALL (excluded.scope) ORDER BY n)"
)


async def named_by_id(
    conn: AsyncConnection, app_id: AppId, *, user_id: UserId
) -> NamedApp | None:
    """This consent, if it is this user's."""
    query = _named().where(a.c.id == app_id, a.c.user_id == user_id)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _named_of(row)


async def page_of_user(
    conn: AsyncConnection,
    user_id: UserId,
    *,
    client_ids: Sequence[UUID],
    name_prefixes: Sequence[str],
    number: int,
    size: int,
) -> tuple[list[NamedApp], int]:
    """A user's consents, for those clients or clients so named; all, where none is."""
    query = _named().where(a.c.user_id == user_id).order_by(a.c.inserted_at, a.c.id)
    starts = (c.c.name.istartswith(prefix, autoescape=True) for prefix in name_prefixes)
    if client_ids or name_prefixes:
        query = query.where(or_(a.c.client_id.in_(client_ids), *starts))
    rows, total = await page_of(conn, query, number=number, size=size)
    return [_named_of(row) for row in rows], total


async def add(
    conn: AsyncConnection,
    *,
    new_id: AppId,
    user_id: UserId,
    client_id: ClientId,
    scope: Sequence[str],
    now: datetime,
) -> App:
    """Record a first consent. Raises IntegrityError where there is one already."""
    statement = a.insert().values(
        id=new_id,
        user_id=user_id,
        client_id=client_id,
        scope=list(scope),
        inserted_at=now,
        updated_at=now,
    )
    return app_of((await conn.execute(statement.returning(a))).one())


async def set_scope(
    conn: AsyncConnection,
    app_id: AppId,
    *,
    user_id: UserId,
    scope: Sequence[str],
    now: datetime,
) -> App | None:
    """Replace the scope of this user's consent; none: it is not there, or another's."""
    statement = (
        a.update()
        .where(a.c.id == app_id, a.c.user_id == user_id)
        .values(scope=list(scope), updated_at=now)
    )
    row = (await conn.execute(statement.returning(a))).one_or_none()
    return None if row is None else app_of(row)


async def remove(conn: AsyncConnection, app_id: AppId, *, user_id: UserId) -> App | None:
    """Delete this user's consent; none: it is not there, or another's."""
    statement = a.delete().where(a.c.id == app_id, a.c.user_id == user_id)
    row = (await conn.execute(statement.returning(a))).one_or_none()
    return None if row is None else app_of(row)


async def remove_of_user(
    conn: AsyncConnection, user_id: UserId, *, client_id: ClientId | None
) -> list[App]:
    """Delete a user's consents, or the one for a client. Returns what there was."""
    statement = a.delete().where(a.c.user_id == user_id)
    if client_id is not None:
        statement = statement.where(a.c.client_id == client_id)
    rows = await conn.execute(statement.returning(a))
    return sorted(map(app_of, rows), key=lambda app: app.id)


def _named() -> Select[Any]:
    return select(a, c.c.name.label("client_name")).join(c, c.c.id == a.c.client_id)


def _named_of(row: Row[Any]) -> NamedApp:
    return NamedApp(app=app_of(row), client_name=row.client_name)


def app_of(row: Row[Any]) -> App:
    """A row of apps as a value."""
    return App(
        id=row.id,
        user_id=row.user_id,
        client_id=row.client_id,
        scope=tuple(row.scope),
        inserted_at=row.inserted_at,
        updated_at=row.updated_at,
    )
