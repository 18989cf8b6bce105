"""One question: what is known of a batch of access tokens to verify?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.verification import VerifyFacts
from services.mithril_api.store import sql
from services.mithril_api.store.tokens import token_from
from shared.runtime.postgres import driver_of

_FACTS = sql.load("verify_facts")


async def facts_for(
    conn: AsyncConnection,
    *,
    digests: Sequence[bytes],
    days: Sequence[datetime | None],
    api_keys: Sequence[Sequence[bytes]],
    now: datetime,
) -> list[VerifyFacts]:
    """Facts in the order asked. `api_keys` holds the digests of a key, none where none came."""
    present = [made[0] if made else None for made in api_keys]
    former = [made[1] if len(made) > 1 else None for made in api_keys]
    arguments = (list(digests), list(days), present, former, now)
    rows = await driver_of(conn).fetch(_FACTS, *arguments)
    return [_facts(row, bool(key)) for row, key in zip(rows, api_keys, strict=True)]


def _facts(record: Mapping[str, Any], api_key_sent: bool) -> VerifyFacts:
    return VerifyFacts(
        token=None if record["id"] is None else token_from(record),
        user_exists=record["known_user_id"] is not None,
        user_is_blocked=bool(record["user_is_blocked"]),
        person_id=record["person_id"] or "",
        client_exists=record["known_client_id"] is not None,
        client_is_blocked=bool(record["client_is_blocked"]),
        client_type=record["client_type"],
        access_type=record["access_type"],
        api_key_sent=api_key_sent,
        broker_id=record["broker_id"],
        broker_scope=record["broker_scope"],
    )
