"""SQL over apps: a user's consent to what a client may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.ids import AppId, ClientId, UserId
from shared.models.schema.mithril import apps as a
from shared.models.scopes import merged


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A consent."""

    id: AppId
    user_id: UserId
    client_id: ClientId
    scope: tuple[str, ...]
    inserted_at: datetime
    updated_at: datetime


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

    Two at once make one: the unique key decides, and the second widens what the first made.
    """
    statement = (
        insert(a)
        .values(
            id=new_id,
            user_id=user_id,
            client_id=client_id,
            scope=[],
            inserted_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing(index_elements=["user_id", "client_id"])
    )
    await conn.execute(statement)
    mine = (a.c.user_id == user_id) & (a.c.client_id == client_id)
    existing = (
        await conn.execute(select(a.c.scope).where(mine).with_for_update())
    ).scalar_one()
    wider = merged(scope, existing)
    row = (
        await conn.execute(
            a.update().where(mine).values(scope=wider, updated_at=now).returning(a)
        )
    ).one()
    return app_of(row)


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
