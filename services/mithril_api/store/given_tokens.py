"""SQL over tokens as an operator sees them: by id, in lists, given and changed.

Nothing here is on a hot path: a question without the expiry asks every partition.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.records import Token
from services.mithril_api.store.paging import page_of
from services.mithril_api.store.tokens import is_token, token_of
from shared.models.ids import ClientId, TokenId, UserId
from shared.models.schema.mithril import token_expiries as e
from shared.models.schema.mithril import tokens as t
from shared.models.tokens import TokenName


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFilters:
    """Which tokens are asked for; none: any."""

    names: Sequence[TokenName] | None = None
    user_id: UserId | None = None
    client_id: ClientId | None = None
    digest: bytes | None = field(default=None, repr=False)


async def listed(
    conn: AsyncConnection, filters: TokenFilters, *, number: int, size: int
) -> tuple[list[Token], int]:
    """A page of tokens in the order of their ids, which is that of their making.

    Each partition has an index on the id, so a page costs no sort of the whole table.
    """
    query = select(t).order_by(t.c.id)
    if filters.names is not None:
        query = query.where(t.c.name.in_(filters.names))
    if filters.user_id is not None:
        query = query.where(t.c.user_id == filters.user_id)
    if filters.client_id is not None:
        query = query.where(t.c.client_id == filters.client_id)
    if filters.digest is not None:
        query = query.where(t.c.digest == filters.digest)
    rows, total = await page_of(conn, query, number=number, size=size)
    return [token_of(row) for row in rows], total


async def hold(conn: AsyncConnection, token_id: TokenId) -> Token | None:
    """A token by id, its row held until the transaction ends."""
    query = select(t).where(t.c.id == token_id).with_for_update()
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else token_of(row)


async def is_taken(conn: AsyncConnection, digest: bytes, name: TokenName) -> bool:
    """Whether some token has this value and name already."""
    query = select(exists().where(t.c.digest == digest, t.c.name == name))
    return bool((await conn.execute(query)).scalar_one())


async def save(conn: AsyncConnection, before: Token, after: Token, *, at: datetime) -> None:
    """Write what may change of a token that is held; it moves to the partition of its expiry."""
    statement = (
        update(t)
        .where(is_token(before))
        .values(
            name=after.name,
            digest=after.digest,
            user_id=after.user_id,
            client_id=after.client_id,
            app_id=after.app_id,
            scope=list(after.scope),
            grant_type=after.grant_type,
            details=after.details,
            expires_at=after.expires_at,
            used_at=after.used_at,
            updated_at=at,
        )
    )
    await conn.execute(statement)


async def move_expiry(conn: AsyncConnection, token: Token) -> None:
    """Note where a token is kept now, whether or not that was noted before."""
    statement = insert(e).values(
        digest=token.digest, name=token.name, expires_at=token.expires_at
    )
    moved = statement.on_conflict_do_update(
        index_elements=["digest", "name"], set_={"expires_at": token.expires_at}
    )
    await conn.execute(moved)


async def forget_expiry(conn: AsyncConnection, token: Token) -> None:
    """Take back the note of a value that no token has any more."""
    mine = (e.c.digest == token.digest) & (e.c.name == token.name)
    await conn.execute(delete(e).where(mine))
