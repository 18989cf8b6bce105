"""SQL over mails: what is owed. Every function takes the caller's connection."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.mails import MailId, MailKind, OwedMail
from services.mithril_api.store import owing
from shared.models.schema.mithril import mails as m


async def add(
    conn: AsyncConnection,
    *,
    mail_id: MailId,
    kind: MailKind,
    recipient: str,
    details: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Owe a mail from this transaction's commit on."""
    await conn.execute(
        insert(m).values(
            id=mail_id,
            kind=kind,
            recipient=recipient,
            details=dict(details or {}),
            inserted_at=now,
            next_attempt_at=now,
        )
    )


async def take(
    conn: AsyncConnection, *, now: datetime, again_at: Callable[[int], datetime]
) -> OwedMail | None:
    """The mail whose turn it is, which nobody else gets until `again_at` its attempts."""
    taken = await owing.take(conn, m, now=now, again_at=again_at)
    return None if taken is None else _mail(*taken)


async def remove(conn: AsyncConnection, mail_id: MailId) -> None:
    """Owe it no longer."""
    await owing.remove(conn, m, mail_id)


def _mail(row: Row[Any], attempts: int) -> OwedMail:
    return OwedMail(
        id=MailId(row.id),
        kind=MailKind(row.kind),
        recipient=row.recipient,
        details=row.details,
        attempts=attempts,
        inserted_at=row.inserted_at,
    )


LEASE = timedelta(seconds=30)  # beyond the mailer's own deadline: its last words
