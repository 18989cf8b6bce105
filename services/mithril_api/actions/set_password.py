"""Set a user's password: used by every action that does.

Hashing takes a tenth of a second by design, so it is done before the transaction: first
`prepare` (or `prepare_first`), then `set_password` with what it gave.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.actions.owing import owe
from services.mithril_api.deps import Deps
from services.mithril_api.domain import passwords
from services.mithril_api.domain.mails import MailKind
from services.mithril_api.domain.refusals import Unfit
from services.mithril_api.store import passwords as password_store
from services.mithril_api.store import recoveries, tokens
from services.mithril_api.store.users import User
from shared.events.accounts import PasswordChanged
from shared.events.envelope import Event
from shared.events.tokens import TokensRevoked
from shared.models.ids import UserId
from shared.peers.breaches import BreachListUnavailableError
from shared.runtime import logging, outbox
from shared.wire.envelope import Invalid

_log = logging.get("passwords")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A password that meets the policy, hashed, and the former hashes it was compared with."""

    password: str = field(repr=False)
    password_hash: str = field(repr=False)
    compared: frozenset[str] = field(default=frozenset(), repr=False)


async def prepare_first(deps: Deps, password: str) -> Prepared | Unfit:
    """A password for an account that is being made."""
    wrong = await _complaints(deps, password)
    if wrong:
        return Unfit(tuple(wrong))
    return Prepared(password=password, password_hash=await deps.passwords.hash(password))


async def prepare(deps: Deps, user_id: UserId, password: str) -> Prepared | Unfit:
    """A new password for this account. Changes nothing: a failed try costs no history."""
    wrong = await _complaints(deps, password)
    if wrong:
        return Unfit(tuple(wrong))
    async with deps.db.begin() as conn:
        former = await password_store.hashes(conn, user_id)
    if await _is_among(deps, password, former):
        return Unfit((passwords.used_recently(),))
    return Prepared(
        password=password,
        password_hash=await deps.passwords.hash(password),
        compared=frozenset(former),
    )


async def set_password(
    deps: Deps,
    conn: AsyncConnection,
    user: User,
    prepared: Prepared,
    *,
    by: Literal["user", "operator"],
    now: datetime,
) -> Unfit | None:
    """Store the password, revoke every token the user has, publish both and owe a mail of it.

    The caller holds the user's row (`store.users.hold`), so the history cannot move. What
    was added to it since `prepare` is compared here, which only two changes at once cost.
    """
    former = set(await password_store.hashes(conn, user.id))
    if await _is_among(deps, prepared.password, former - prepared.compared):
        return Unfit((passwords.used_recently(),))
    await password_store.store(conn, user.id, prepared.password_hash, at=now)
    count = await tokens.revoke(conn, tokens.of_user(user.id), at=now)
    told: list[Event] = [PasswordChanged(user_id=user.id, by=by)]
    if count:
        told.append(
            TokensRevoked(
                selector="user", reason="password_changed", user_id=user.id, count=count
            )
        )
    await outbox.put_many(conn, [message(deps, event, at=now) for event in told])
    await recoveries.remove_of_user(conn, user.id)
    await owe(deps, conn, MailKind.PASSWORD_CHANGED, user, now=now)
    return None


async def _complaints(deps: Deps, password: str) -> list[Invalid]:
    """What is wrong with a password by itself; the list of breaches is asked last.

    A list that is away keeps nobody from a new password: that is counted, and goes on.
    """
    wrong = passwords.complaints(password)
    if wrong or deps.breaches is None:
        return wrong
    try:
        seen = await deps.breaches.count(password)
    except BreachListUnavailableError as error:
        deps.metrics.breach_list_unavailable.inc()
        _log.warning("breach list not asked", error=str(error))
        return []
    return [passwords.breached()] if seen else []


async def _is_among(deps: Deps, password: str, hashes: Iterable[str]) -> bool:
    for former in hashes:
        if await deps.passwords.matches(former, password):
            return True
    return False
