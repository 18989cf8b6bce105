"""Make an account, and its second factor where one is wanted: one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from services.mithril_api.actions.minting import message
from services.mithril_api.actions.set_password import Prepared, prepare_first
from services.mithril_api.deps import Deps
from services.mithril_api.domain.factors import FactorId, FactorType
from services.mithril_api.domain.refusals import Clash, Unfit
from services.mithril_api.store import factors, passwords, users, violations
from services.mithril_api.store.users import User
from shared.events.accounts import FactorChanged, UserBlocked, UserCreated
from shared.events.envelope import Event
from shared.models.ids import UserId
from shared.runtime import outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAsked:
    """A new account, its fields already checked for shape."""

    email: str
    password: str = field(repr=False)
    tax_id: str
    person_id: str
    settings: Mapping[str, Any]
    is_blocked: bool
    block_reason: str | None
    with_factor: bool
    factor: str | None = field(repr=False)  # not used without `with_factor`


async def create_user(deps: Deps, asked: UserAsked) -> User | Unfit | Clash:
    """The new account. Of two with one e-mail at once, the second is refused."""
    prepared = await prepare_first(deps, asked.password)
    if isinstance(prepared, Unfit):
        return prepared
    try:
        user = await _create(deps, asked, prepared)
    except IntegrityError as error:
        return violations.clash_of(error)
    deps.committed()
    return user


async def _create(deps: Deps, asked: UserAsked, prepared: Prepared) -> User:
    now = deps.clock.now()
    user = _user(deps, asked, prepared, now)
    told: list[Event] = [UserCreated(user_id=user.id)]
    if user.is_blocked:
        told.append(UserBlocked(user_id=user.id, reason=user.block_reason))
    async with deps.db.begin() as conn:
        await users.add(conn, user)
        await passwords.remember(conn, user.id, user.password_hash, at=now)
        if asked.with_factor:
            factor = await factors.add(
                conn,
                new_id=FactorId(deps.entropy.uuid()),
                user_id=user.id,
                kind=FactorType.SMS,
                factor=asked.factor,
                now=now,
            )
            told.append(
                FactorChanged(
                    user_id=user.id,
                    factor_id=factor.id,
                    factor_type=factor.type,
                    change="created",
                )
            )
        await outbox.put_many(conn, [message(deps, event, at=now) for event in told])
    return user


def _user(deps: Deps, asked: UserAsked, prepared: Prepared, now: datetime) -> User:
    return User(
        id=UserId(deps.entropy.uuid()),
        email=asked.email.lower(),
        password_hash=prepared.password_hash,
        settings=asked.settings,
        is_blocked=asked.is_blocked,
        block_reason=asked.block_reason,
        password_set_at=now,
        tax_id=asked.tax_id,
        person_id=asked.person_id,
        inserted_at=now,
        updated_at=now,
    )
