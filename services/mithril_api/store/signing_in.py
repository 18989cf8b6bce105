"""What is known of an attempt to sign in, and the count of those that failed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.factors import ActiveFactor, FactorId, FactorType
from services.mithril_api.domain.sign_in import Account, SignInFacts
from services.mithril_api.store import sql
from shared.models.ids import ClientId, UserId
from shared.models.schema.mithril import login_failures as f

_FACTS = sql.load("sign_in_facts")


async def facts_for(
    conn: AsyncConnection, *, client_id: ClientId, email: str, failures_since: datetime
) -> SignInFacts:
    """The client and the account, each if there is one; case does not matter in an e-mail."""
    arguments = (client_id, email.lower(), failures_since)
    row = (await conn.exec_driver_sql(_FACTS, arguments)).one()
    return SignInFacts(
        client_exists=row.client_id is not None,
        client_may_sign_in=row.may_sign_in,
        client_type=row.client_type,
        client_type_scope=frozenset(row.client_type_scope or ()),
        account=None if row.user_id is None else _account(row),
    )


async def count_failure(
    conn: AsyncConnection, user_id: UserId, *, at: datetime, forgotten_before: datetime
) -> None:
    """Record a failed attempt; those too old to count go. The caller holds the user's row."""
    await conn.execute(
        delete(f).where(f.c.user_id == user_id, f.c.failed_at <= forgotten_before)
    )
    await conn.execute(insert(f).values(user_id=user_id, failed_at=at))


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.user_id,
        password_hash=row.password_hash,
        password_set_at=row.password_set_at,
        is_blocked=row.is_blocked,
        tax_id=row.tax_id,
        recent_failures=row.recent_failures,
        factors=tuple(_factor(*item) for item in row.factors or ()),
        factors_locked_until=row.factors_locked_until,
    )


def _factor(
    factor_id: str, kind: str, number: str | None, name: str | None, is_ready: str
) -> ActiveFactor:
    return ActiveFactor(
        id=FactorId(UUID(factor_id)),
        kind=FactorType(kind),
        number=number,
        name=name,
        is_ready=is_ready == "true",
    )
