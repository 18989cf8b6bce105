"""SQL over signing_keys. Nothing here opens one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.oauth2.signing_keys import Alg, SigningKey
from shared.models.schema.mithril import signing_keys as k

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('mithril signing keys'))")


async def all_of(conn: AsyncConnection) -> tuple[SigningKey, ...]:
    """Every key there is, the oldest first."""
    query = select(k).order_by(k.c.activates_at, k.c.kid)
    return tuple(_key(row) for row in await conn.execute(query))


async def hold(conn: AsyncConnection) -> tuple[SigningKey, ...]:
    """The same; nobody else makes or changes one until the transaction ends."""
    await conn.execute(_LOCK)
    return await all_of(conn)


async def add(conn: AsyncConnection, key: SigningKey) -> None:
    """Keep a new key."""
    await conn.execute(
        k.insert().values(
            kid=key.kid,
            alg=str(key.alg),
            public_jwk=dict(key.public_jwk),
            sealed_private=key.sealed_private,
            inserted_at=key.inserted_at,
            activates_at=key.activates_at,
        )
    )


async def end(conn: AsyncConnection, key: SigningKey) -> None:
    """Write down when a key retires, and until when it is published."""
    statement = k.update().where(k.c.kid == key.kid)
    await conn.execute(
        statement.values(
            retires_at=key.retires_at,
            expires_at=key.expires_at,
            is_compromised=key.is_compromised,
        )
    )


async def seal(conn: AsyncConnection, kid: str, sealed: bytes | None) -> None:
    """Replace the sealed half of a key; none: it is gone."""
    await conn.execute(k.update().where(k.c.kid == kid).values(sealed_private=sealed))


async def remove(conn: AsyncConnection, kids: Sequence[str]) -> None:
    """Forget keys."""
    await conn.execute(k.delete().where(k.c.kid.in_(kids)))


def _key(row: Row[Any]) -> SigningKey:
    return SigningKey(
        kid=row.kid,
        alg=Alg(row.alg),
        public_jwk=row.public_jwk,
        sealed_private=row.sealed_private,
        inserted_at=row.inserted_at,
        activates_at=row.activates_at,
        retires_at=row.retires_at,
        expires_at=row.expires_at,
        is_compromised=row.is_compromised,
    )
