"""Owe a user a mail: used by every action that has news for one."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.deps import Deps
from services.mithril_api.domain.mails import MailId, MailKind
from services.mithril_api.store import mails
from services.mithril_api.store.users import User


async def owe(
    deps: Deps,
    conn: AsyncConnection,
    kind: MailKind,
    user: User,
    *,
    details: Mapping[str, str] | None = None,
    now: datetime,
) -> None:
    """A mail to the address that the user has now, owed once this transaction commits.

    Where no mail server is configured nobody is told: a mail nobody sends is not kept.
    """
    if deps.mailer is None:
        return
    mail_id = MailId(deps.entropy.uuid())
    await mails.add(
        conn, mail_id=mail_id, kind=kind, recipient=user.email, details=details, now=now
    )
