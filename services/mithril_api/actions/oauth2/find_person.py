"""What an account says of its user (OpenID Connect Core §5.3)."""

from services.mithril_api.deps import Deps
from services.mithril_api.domain.factors import FactorType
from services.mithril_api.domain.oauth2.openid import Person
from services.mithril_api.store import factors, users
from shared.models.ids import UserId


async def find_person(deps: Deps, user_id: UserId) -> Person | None:
    """The account; the number is that of codes by SMS, once it is in use."""
    async with deps.db.read() as conn:
        user = await users.by_id(conn, user_id)
        active = await factors.active_of(conn, user_id)
    if user is None:
        return None
    numbers = [
        item.factor for item in active if item.type == FactorType.SMS and item.is_ready
    ]
    return Person(
        user_id=user.id,
        email=user.email,
        phone=numbers[0] if numbers else None,
        updated_at=user.updated_at,
    )
