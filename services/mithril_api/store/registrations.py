"""SQL over client_registrations and registration_tokens: who registered, and who may."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.ids import ClientId
from shared.models.schema.mithril import client_registrations as r
from shared.models.schema.mithril import client_types as ct
from shared.models.schema.mithril import registration_tokens as t


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialToken:
    """What an operator gives to whoever may register clients. Its value is not here."""

    id: UUID
    note: str
    uses_left: int
    inserted_at: datetime
    expires_at: datetime


async def add_token(conn: AsyncConnection, token: InitialToken, digest: bytes) -> None:
    """Keep an initial access token."""
    statement = t.insert().values(
        id=token.id,
        digest=digest,
        note=token.note,
        uses_left=token.uses_left,
        inserted_at=token.inserted_at,
        expires_at=token.expires_at,
    )
    await conn.execute(statement)


async def tokens(conn: AsyncConnection) -> Sequence[InitialToken]:
    """All of them, oldest first."""
    query = select(t).order_by(t.c.inserted_at, t.c.id)
    return [
        InitialToken(
            id=row.id,
            note=row.note,
            uses_left=row.uses_left,
            inserted_at=row.inserted_at,
            expires_at=row.expires_at,
        )
        for row in await conn.execute(query)
    ]


async def remove_token(conn: AsyncConnection, token_id: UUID) -> bool:
    """It serves no more. False: there is none."""
    return (await conn.execute(t.delete().where(t.c.id == token_id))).rowcount == 1


async def use_token(conn: AsyncConnection, digest: bytes, *, now: datetime) -> UUID | None:
    """Use an initial token up by one; none: it is unknown, used up, or has expired.

    Of two that use the last one at once, the second waits, and gets none.
    """
    statement = (
        t.update()
        .where(t.c.digest == digest, t.c.expires_at > now, t.c.uses_left > 0)
        .values(uses_left=t.c.uses_left - 1)
        .returning(t.c.id)
    )
    found: UUID | None = (await conn.execute(statement)).scalar_one_or_none()
    return found


async def client_type(
    conn: AsyncConnection, name: str
) -> tuple[UUID, tuple[str, ...]] | None:
    """The id and the scope of a client type."""
    query = select(ct.c.id, ct.c.scope).where(ct.c.name == name)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else (row.id, tuple(row.scope))


async def add(
    conn: AsyncConnection, client_id: ClientId, digest: bytes, *, at: datetime
) -> None:
    """Note that a client registered itself, and the token by which it manages that."""
    statement = r.insert().values(
        client_id=client_id, token_digest=digest, inserted_at=at, updated_at=at
    )
    await conn.execute(statement)


async def hold(
    conn: AsyncConnection, client_id: ClientId, digest: bytes
) -> datetime | None:
    """When the client registered, if the token is its own; held until the transaction ends.

    Of two that show one token at once, the second reads what the first made of it.
    """
    query = (
        select(r.c.inserted_at)
        .where(r.c.client_id == client_id, r.c.token_digest == digest)
        .with_for_update()
    )
    found: datetime | None = (await conn.execute(query)).scalar_one_or_none()
    return found


async def renew(
    conn: AsyncConnection, client_id: ClientId, digest: bytes, *, at: datetime
) -> None:
    """Give it another token; the former one is no good from now on."""
    statement = (
        r.update()
        .where(r.c.client_id == client_id)
        .values(token_digest=digest, updated_at=at)
    )
    await conn.execute(statement)
