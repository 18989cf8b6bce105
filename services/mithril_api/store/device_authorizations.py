"""SQL over device_authorizations: what devices ask for, until their users have answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.oauth2 import devices
from services.mithril_api.domain.oauth2.devices import Waiting
from shared.models.ids import ClientId
from shared.models.schema.mithril import device_authorizations as d


async def add(
    conn: AsyncConnection,
    digest: bytes,
    waiting: Waiting,
    *,
    user_code_digest: bytes,
    now: datetime,
) -> bool:
    """Keep a request. False: its user code is another's; nothing was kept."""
    statement = (
        insert(d)
        .values(
            digest=digest,
            user_code_digest=user_code_digest,
            client_id=waiting.client_id,
            parameters=waiting.request.stored(),
            interval_seconds=waiting.interval,
            inserted_at=now,
            expires_at=waiting.expires_at,
        )
        .on_conflict_do_nothing(index_elements=["user_code_digest"])
    )
    return (await conn.execute(statement)).rowcount == 1


async def lock(conn: AsyncConnection, digest: bytes) -> Waiting | None:
    """The request of a device code, its row held; an answer under way is waited for."""
    row = (await conn.execute(_by_digest(digest).with_for_update())).one_or_none()
    return None if row is None else _waiting(row)


async def find_by_user_code(
    conn: AsyncConnection, digests: Sequence[bytes]
) -> Waiting | None:
    """The request of a user code, as it was last."""
    row = (await conn.execute(_by_user_code(digests))).one_or_none()
    return None if row is None else _waiting(row)


async def lock_by_user_code(
    conn: AsyncConnection, digests: Sequence[bytes]
) -> tuple[bytes, Waiting] | None:
    """The same and the digest of its device code, its row held: it is answered once."""
    query = _by_user_code(digests).with_for_update()
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else (row.digest, _waiting(row))


async def note_poll(conn: AsyncConnection, digest: bytes, waiting: Waiting) -> None:
    """Keep when a device polled, and how long it has to wait from now on."""
    statement = (
        d.update()
        .where(d.c.digest == digest)
        .values(polled_at=waiting.polled_at, interval_seconds=waiting.interval)
    )
    await conn.execute(statement)


async def deny(conn: AsyncConnection, digest: bytes, *, at: datetime) -> None:
    """The user did not allow it."""
    await conn.execute(d.update().where(d.c.digest == digest).values(denied_at=at))


async def remove(conn: AsyncConnection, digest: bytes) -> None:
    """It waits no longer."""
    await conn.execute(d.delete().where(d.c.digest == digest))


def _by_digest(digest: bytes) -> Select[Any]:
    return select(d).where(d.c.digest == digest)


def _by_user_code(digests: Sequence[bytes]) -> Select[Any]:
    return select(d).where(d.c.user_code_digest.in_(digests))


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        client_id=ClientId(row.client_id),
        request=devices.of_stored(row.parameters),
        interval=row.interval_seconds,
        polled_at=row.polled_at,
        denied_at=row.denied_at,
        expires_at=row.expires_at,
    )
