"""Hand over one owed mail: what it says in one transaction, its end in another.

Between the two it is out of our hands. A process that ends there leaves the mail owed, and it
is sent once more: twice rather than never.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain import mails as rules
from services.mithril_api.domain import recovery
from services.mithril_api.domain.keys import RECOVERY_LINK
from services.mithril_api.domain.mails import Letter, MailKind, OwedMail
from services.mithril_api.domain.recovery import Recovery, Return
from services.mithril_api.store import mails, recoveries, users
from shared.events.accounts import RecoveryStarted
from shared.models.ids import ClientId
from shared.peers.mailer import Mailer, MailNotSentError
from shared.runtime import logging, outbox
from shared.runtime.postgres import retrying

_log = logging.get("mails")


class Delivery(Enum):
    """What came of one look into the box."""

    NOTHING_DUE = auto()
    SENT = auto()
    DROPPED = auto()  # nobody to send it to, or not worth another try
    FAILED = auto()  # tried again later


async def deliver_mail(deps: Deps, mailer: Mailer) -> Delivery:
    """Take the mail whose turn it is and send it. However many postmen, one takes it."""
    taken = await retrying(lambda: _take(deps))
    if taken is None:
        return Delivery.NOTHING_DUE
    mail, letter = taken
    outcome = await _send(deps, mailer, mail, letter)
    deps.metrics.mails.labels(mail.kind, outcome.name.lower()).inc()
    if outcome is not Delivery.FAILED:
        async with deps.db.begin() as conn:
            await mails.remove(conn, mail.id)
    return outcome


async def _send(
    deps: Deps, mailer: Mailer, mail: OwedMail, letter: Letter | None
) -> Delivery:
    if letter is None:
        return Delivery.DROPPED
    try:
        await mailer.send(to=letter.to, subject=letter.subject, body=letter.body)
    except MailNotSentError as error:
        hopeless = rules.BACKOFF.is_hopeless(mail.inserted_at, now=deps.clock.now())
        _log.warning(
            "mail not sent",
            kind=mail.kind,
            attempts=mail.attempts,
            given_up=hopeless,
            error=str(error),
        )
        return Delivery.DROPPED if hopeless else Delivery.FAILED
    return Delivery.SENT


async def _take(deps: Deps) -> tuple[OwedMail, Letter | None] | None:
    now = deps.clock.now()
    lease = timedelta(milliseconds=deps.settings.smtp_request_timeout) + mails.LEASE
    async with deps.db.begin() as conn:
        mail = await mails.take(
            conn,
            now=now,
            again_at=lambda attempts: rules.BACKOFF.next_attempt(
                attempts, now=now, lease=lease
            ),
        )
        if mail is None:
            return None
        return mail, await _letter(deps, conn, mail)


async def _letter(deps: Deps, conn: AsyncConnection, mail: OwedMail) -> Letter | None:
    if mail.kind is MailKind.PASSWORD_CHANGED:
        return rules.password_changed_letter(mail.recipient, at=mail.inserted_at)
    if mail.kind is MailKind.FACTOR_CHANGED:
        details = mail.details
        return rules.factor_changed_letter(
            mail.recipient,
            kind=details["kind"],
            change=details["change"],
            at=mail.inserted_at,
        )
    return await _recovery_letter(deps, conn, mail)


async def _recovery_letter(
    deps: Deps, conn: AsyncConnection, mail: OwedMail
) -> Letter | None:
    """The link, made here and not while somebody waits: so nobody learns who has an account.

    It lives from when it is handed over: a mail server that was away costs the reader
    nothing.
    """
    known = await users.by_email(conn, mail.recipient)
    user = None if known is None else await users.hold(conn, known.id)
    if user is None or user.is_blocked:
        return None
    now = deps.clock.now()  # after the lock
    lives = timedelta(seconds=deps.settings.recovery_lifetime)
    value = recovery.value_of(deps.settings.keyring.digest(RECOVERY_LINK, str(mail.id)))
    kept = Recovery(id=mail.id, user_id=user.id, expires_at=now + lives)
    if mail.attempts == 1:
        await recoveries.add(conn, kept, value=value)
        started = RecoveryStarted(user_id=user.id, recovery_id=mail.id)
        await outbox.put(conn, message(deps, started, at=now))
    elif not await recoveries.prolong(conn, kept, value=value):
        return None  # the password was changed meanwhile, which took the link away
    link = recovery.link_of(
        deps.settings.auth_web_url, value, await _goal(conn, mail.details)
    )
    return rules.recovery_letter(user.email, link=link, lives=lives)


async def _goal(conn: AsyncConnection, details: Mapping[str, Any]) -> Return | None:
    """Where the user was going, if a client of ours registered that; a mail leads nowhere else."""
    client_id, redirect_uri = details.get("client_id"), details.get("redirect_uri")
    if client_id is None or redirect_uri is None:
        return None
    goal = Return(client_id=ClientId(UUID(client_id)), redirect_uri=redirect_uri)
    return goal if await recoveries.is_registered(conn, goal) else None
