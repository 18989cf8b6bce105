"""Change an account: fields, password, block and second factor in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.blocking import mark_blocked, unblock
from services.mithril_api.actions.minting import message
from services.mithril_api.actions.set_password import Prepared, prepare, set_password
from services.mithril_api.deps import Deps
from services.mithril_api.domain.factors import FactorId, FactorType
from services.mithril_api.domain.refusals import Clash, Reason, Refused, Unfit
from services.mithril_api.store import factors, users, violations
from services.mithril_api.store.users import User
from shared.events.accounts import FactorChanged, UserUpdated
from shared.models.ids import UserId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChange:
    """What a request changes; none: it stays."""

    fields: Mapping[str, Any]  # columns of users that mean nothing beyond themselves
    is_blocked: bool | None = None
    password: str | None = field(default=None, repr=False)
    factor: str | None = field(default=None, repr=False)


Outcome: TypeAlias = User | Refused | Unfit | Clash


async def update_user(deps: Deps, user_id: UserId, change: UserChange) -> Outcome:
    """The account as it is afterwards; nothing of it changes unless all of it does."""
    prepared = None
    if change.password is not None:
        outcome = await prepare(deps, user_id, change.password)
        if isinstance(outcome, Unfit):
            return outcome
        prepared = outcome
    try:
        changed = await retrying(lambda: _update(deps, user_id, change, prepared))
    except IntegrityError as error:
        return violations.clash_of(error)
    deps.committed()
    return changed


async def _update(
    deps: Deps, user_id: UserId, change: UserChange, prepared: Prepared | None
) -> User | Refused | Unfit:
    async with deps.db.begin() as conn:
        user = await users.hold(conn, user_id)
        if user is None:
            return Refused(Reason.NOT_FOUND)
        now = deps.clock.now()  # after the lock
        if prepared is not None:
            # First, because it may refuse, and a refusal returned here commits.
            unfit = await set_password(deps, conn, user, prepared, by="operator", now=now)
            if unfit is not None:
                return unfit
        await _set_fields(deps, conn, user, change.fields, now=now)
        if change.factor is not None:
            await _set_factor(deps, conn, user_id, change.factor, now=now)
        if change.is_blocked is not None and change.is_blocked != user.is_blocked:
            # As in the original, only the action `block` ends the tokens; until the account
            # is unblocked nothing takes them.
            settle = mark_blocked if change.is_blocked else unblock
            reason = change.fields.get("block_reason", user.block_reason)
            await settle(deps, conn, user_id, reason, now=now)
        changed = await users.by_id(conn, user_id)
        assert changed is not None  # noqa: S101 — its row is held
        return changed


async def _set_fields(
    deps: Deps,
    conn: AsyncConnection,
    user: User,
    fields: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    new = {name: item for name, item in fields.items() if getattr(user, name) != item}
    if not new:
        return
    await users.change(conn, user.id, new, at=now)
    told = UserUpdated(user_id=user.id, fields=tuple(sorted(new)))
    await outbox.put(conn, message(deps, told, at=now))


async def _set_factor(
    deps: Deps, conn: AsyncConnection, user_id: UserId, number: str, *, now: datetime
) -> None:
    factor, is_new = await factors.add_or_change(
        conn,
        new_id=FactorId(deps.entropy.uuid()),
        user_id=user_id,
        kind=FactorType.SMS,
        values={"factor": number},
        now=now,
    )
    told = FactorChanged(
        user_id=user_id,
        factor_id=factor.id,
        factor_type=factor.type,
        change="created" if is_new else "changed",
    )
    await outbox.put(conn, message(deps, told, at=now))
