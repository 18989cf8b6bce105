"""One question: what is known of a batch of refresh requests?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refresh import RefreshFacts
from services.mithril_api.store import sql
from services.mithril_api.store.tokens import token_from
from shared.models.ids import ClientId, ConnectionId
from shared.models.scopes import scope_set
from shared.models.tokens import RefreshPolicy
from shared.runtime.postgres import driver_of

_LOCKING = sql.load("refresh_facts")
_READING = _LOCKING.replace("  FOR NO KEY UPDATE\n", "")


async def facts_for(
    conn: AsyncConnection,
    *,
    client_ids: Sequence[ClientId],
    secrets: Sequence[Sequence[bytes]],
    digests: Sequence[bytes],
    days: Sequence[datetime | None],
    connection_ids: Sequence[ConnectionId | None],
    now: datetime,
    locked: bool,
) -> list[RefreshFacts]:
    """Facts in the order asked; if `locked`, the refresh tokens' rows are held, in that order.

    `secrets` holds one digest a key of ours, two at the most; `now` only decides whether a
    secret that is rotating out still works. A client that has proved otherwise who it is has
    no secret, and a connection.
    """
    present = [made[0] if made else None for made in secrets]
    former = [made[1] if len(made) > 1 else None for made in secrets]
    asked = (list(client_ids), present, former, list(digests), list(days), now)
    statement = _LOCKING if locked else _READING
    rows = await driver_of(conn).fetch(statement, *asked, list(connection_ids))
    return [_facts(row, client_id) for row, client_id in zip(rows, client_ids, strict=True)]


def _facts(record: Mapping[str, Any], client_id: ClientId) -> RefreshFacts:
    token: Token | None = None if record["id"] is None else token_from(record)
    roles: frozenset[str] = frozenset().union(*map(scope_set, record["role_scopes"]))
    policy = record["policy"]
    return RefreshFacts(
        client_id=client_id,
        connection_id=record["asking_connection_id"],
        token=token,
        user_is_blocked=bool(record["user_is_blocked"]),
        client_is_blocked=bool(record["client_is_blocked"]),
        policy=RefreshPolicy(policy) if policy in tuple(RefreshPolicy) else None,
        app_id=record["approval_id"],
        app_scope=tuple(record["approval_scope"] or ()),
        client_type_scope=scope_set(record["client_type_scope"] or ""),
        role_scope=roles,
    )
