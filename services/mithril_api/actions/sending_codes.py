"""Send a one-time code: used by every action that asks for one.

Three steps, none inside another: `reserve` in a transaction, `send` outside of any, and the
transaction that gives the token which the code is for, or `cancel`. So a gateway that is slow
or away holds no row and leaves nothing half done; a process that ends between the steps
leaves a code for a token that nobody has.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.deps import Deps
from services.mithril_api.domain import factor_locks, one_time_codes
from services.mithril_api.domain.keys import ONE_TIME_CODE
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import one_time_codes as codes
from services.mithril_api.store.one_time_codes import NewCode
from shared.models.ids import TokenId, UserId
from shared.peers.sms import SmsNotSentError
from shared.runtime import logging

_log = logging.get("codes")
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A code that may be sent: for a token that is not given yet."""

    id: UUID
    user_id: UserId
    token_id: TokenId
    number: str = field(repr=False)
    code: str = field(repr=False)


async def reserve(
    deps: Deps, conn: AsyncConnection, user_id: UserId, number: str, *, now: datetime
) -> Reserved | Refused:
    """A code, unless too many were sent to the user of late. The caller holds the user's row.

    It counts whether or not the gateway takes it: one that did not answer may have sent it.
    """
    settings = deps.settings
    period = settings.otp_send_period()
    sent = await codes.sent_since(conn, user_id, now - period)
    if len(sent) >= settings.otp_send_counter_max:
        free = sent[-settings.otp_send_counter_max] + period
        wait = factor_locks.seconds_until(free, now=now)
        return Refused(Reason.OTP_TIMEOUT, retry_after=wait)
    length = settings.otp_length
    code = one_time_codes.code_of(deps.entropy.below(10**length), length)
    token_id = TokenId(deps.entropy.uuid())
    key = one_time_codes.key_of(token_id, number)
    made = NewCode(
        id=deps.entropy.uuid(),
        key=key,
        digest=settings.keyring.digest(ONE_TIME_CODE, f"{key} {code}"),
        user_id=user_id,
        expires_at=now + settings.otp_ttl(),
        made_at=now,
    )
    await codes.add(conn, made, forgotten_before=now - max(period, _KEPT))
    return Reserved(
        id=made.id, user_id=user_id, token_id=token_id, number=number, code=code
    )


async def send(deps: Deps, reserved: Reserved) -> Refused | None:
    """None: the gateway took it. Called outside any transaction."""
    body = one_time_codes.message_of(deps.settings.otp_sms_template, reserved.code)
    if await deliver(deps, reserved.number, body):
        return None
    async with deps.db.begin() as conn:
        await codes.cancel(conn, reserved.id)
    return Refused(Reason.SMS_NOT_SENT)


async def cancel(deps: Deps, reserved: Reserved) -> None:
    """A code was sent in vain: the token it was for is not given."""
    async with deps.db.begin() as conn:
        await codes.cancel(conn, reserved.id)


async def deliver(deps: Deps, number: str, body: str) -> bool:
    """Whether the gateway took a message; where SMS is switched off, everything is taken."""
    if not deps.settings.sms_enabled:
        deps.metrics.messages.labels("skipped").inc()
        return True
    if deps.sms is None:
        _log.error("no SMS gateway is configured (OTP_ENDPOINT)")
        deps.metrics.messages.labels("failed").inc()
        return False
    try:
        await deps.sms.send(phone=number, body=body)
    except SmsNotSentError as error:
        _log.warning("SMS not sent", error=str(error))
        deps.metrics.messages.labels("failed").inc()
        return False
    deps.metrics.messages.labels("sent").inc()
    return True
