"""SQL over users. Every function takes the caller's connection."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.store.paging import page_of
from shared.models.ids import ClientId, UserId
from shared.models.schema.mithril import clients as c
from shared.models.schema.mithril import login_failures as f
from shared.models.schema.mithril import users as u


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account."""

    id: UserId
    email: str
    password_hash: str = field(repr=False)
    settings: Mapping[str, Any]
    is_blocked: bool
    block_reason: str | None
    password_set_at: datetime
    tax_id: str
    person_id: str
    inserted_at: datetime
    updated_at: datetime


async def is_blocked(conn: AsyncConnection, user_id: UserId) -> bool:
    """Whether a user may not act; one that does not exist may not either.

    The row is held against a block under way, so a token issued beside it cannot escape it.
    """
    query = select(u.c.is_blocked).where(u.c.id == user_id).with_for_update(read=True)
    return (await conn.execute(query)).scalar_one_or_none() is not False


async def by_id(conn: AsyncConnection, user_id: UserId) -> User | None:
    """The account with this id."""
    row = (await conn.execute(select(u).where(u.c.id == user_id))).one_or_none()
    return None if row is None else user_of(row)


async def by_email(conn: AsyncConnection, email: str) -> User | None:
    """The account with this e-mail, whatever the case of its letters."""
    row = (await conn.execute(select(u).where(u.c.email == email.lower()))).one_or_none()
    return None if row is None else user_of(row)


async def hold(conn: AsyncConnection, user_id: UserId) -> User | None:
    """The account, its row held until the transaction ends: blocks and sign-ins take turns."""
    query = select(u).where(u.c.id == user_id).with_for_update(key_share=True)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else user_of(row)


def matching(
    *,
    ids: Collection[UUID] | None = None,
    email: str | None = None,
    tax_id: str | None = None,
    is_blocked: bool | None = None,
) -> ColumnElement[bool]:
    """Selects the accounts that have all of what is given."""
    conditions: list[ColumnElement[bool]] = []
    if ids is not None:
        conditions.append(u.c.id.in_(ids))
    if email is not None:
        conditions.append(u.c.email == email.lower())
    if tax_id is not None:
        conditions.append(u.c.tax_id == tax_id)
    if is_blocked is not None:
        conditions.append(u.c.is_blocked == is_blocked)
    return and_(true(), *conditions)


async def page(
    conn: AsyncConnection, chosen: ColumnElement[bool], *, number: int, size: int
) -> tuple[list[User], int]:
    """A page of the chosen accounts, and how many there are."""
    query = select(u).where(chosen).order_by(u.c.inserted_at, u.c.id)
    rows, total = await page_of(conn, query, number=number, size=size)
    return [user_of(row) for row in rows], total


async def add(conn: AsyncConnection, user: User) -> None:
    """Insert an account. Raises IntegrityError where its e-mail is another's."""
    await conn.execute(u.insert().values(asdict(user)))


async def change(
    conn: AsyncConnection, user_id: UserId, values: Mapping[str, Any], *, at: datetime
) -> User:
    """Set columns of an account whose row the caller holds."""
    statement = u.update().where(u.c.id == user_id).values(**values, updated_at=at)
    return user_of((await conn.execute(statement.returning(u))).one())


async def hold_to_remove(conn: AsyncConnection, user_id: UserId) -> User | None:
    """The account, held so that nothing can refer to it anew: no client, consent or role."""
    query = select(u).where(u.c.id == user_id).with_for_update()
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else user_of(row)


async def clients_of(conn: AsyncConnection, user_id: UserId) -> list[ClientId]:
    """The clients that belong to an account."""
    query = select(c.c.id).where(c.c.user_id == user_id).order_by(c.c.id)
    return [ClientId(item) for item in (await conn.execute(query)).scalars()]


async def remove(conn: AsyncConnection, user_id: UserId) -> None:
    """Delete an account, and by cascade its clients, consents, roles and factors."""
    await conn.execute(u.delete().where(u.c.id == user_id))


async def forget_failed_logins(conn: AsyncConnection, user_id: UserId) -> None:
    """Let a user start anew with their attempts."""
    await conn.execute(f.delete().where(f.c.user_id == user_id))


def user_of(row: Row[Any]) -> User:
    """A row of users as a value."""
    return User(
        id=row.id,
        email=row.email,
        password_hash=row.password_hash,
        settings=row.settings,
        is_blocked=row.is_blocked,
        block_reason=row.block_reason,
        password_set_at=row.password_set_at,
        tax_id=row.tax_id,
        person_id=row.person_id,
        inserted_at=row.inserted_at,
        updated_at=row.updated_at,
    )
