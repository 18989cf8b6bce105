"""Tell of a changed factor: used by every action by which users change their own."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions import sending_codes
from services.mithril_api.actions.owing import owe
from services.mithril_api.deps import Deps
from services.mithril_api.domain.factors import FactorId, FactorType, masked
from services.mithril_api.domain.mails import MailKind
from services.mithril_api.store import users
from shared.events.accounts import FactorChanged
from shared.models.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of which factor."""

    factor_id: FactorId
    kind: FactorType
    change: Literal["created", "changed", "removed"]
    number: str | None = field(default=None, repr=False)
    former_number: str | None = field(default=None, repr=False)  # it has news to get


async def tell(
    deps: Deps, conn: AsyncConnection, user_id: UserId, told: Told, *, now: datetime
) -> FactorChanged:
    """The event to publish; a mail is owed, in the same transaction. The caller holds the row."""
    user = await users.by_id(conn, user_id)
    if user is not None:
        details = {"kind": told.kind, "change": told.change}
        await owe(deps, conn, MailKind.FACTOR_CHANGED, user, details=details, now=now)
    return FactorChanged(
        user_id=user_id,
        factor_id=told.factor_id,
        factor_type=told.kind,
        change=told.change,
    )


async def tell_former_number(deps: Deps, told: Told) -> None:
    """A message to the number that no longer counts. It is done already: this may fail."""
    if told.former_number is None:
        return
    if told.number is None:
        text = "Ваш номер більше не використовується для входу. Не ви? Зверніться до служби підтримки."  # noqa: E501
    else:
        text = f"Номер для входу змінено на {masked(told.number)}. Не ви? Зверніться до служби підтримки."  # noqa: E501
    await sending_codes.deliver(deps, told.former_number, text)
