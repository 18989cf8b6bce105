"""SQL over mails: what is owed. Every function takes the caller's connection."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.mails import MailId, MailKind, OwedMail
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
    """The mail whose turn it is, which nobody else gets until `again_at` its attempts.

    One that another postman is taking this moment is passed over.
    """
    due = (
        select(m)
        .where(m.c.next_attempt_at <= now)
        .order_by(m.c.next_attempt_at, m.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await conn.execute(due)).one_or_none()
    if row is None:
        return None
    attempts = row.attempts + 1
    taken = {"attempts": attempts, "next_attempt_at": again_at(row.attempts)}
    await conn.execute(update(m).where(m.c.id == row.id).values(taken))
    return _mail(row, attempts)


async def remove(conn: AsyncConnection, mail_id: MailId) -> None:
    """Owe it no longer."""
    await conn.execute(delete(m).where(m.c.id == mail_id))


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
