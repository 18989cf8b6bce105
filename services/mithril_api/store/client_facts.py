"""One question: what is known of a batch of clients that authenticate?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.oauth2 import client_metadata
from services.mithril_api.domain.oauth2.client_authentication import (
    ClientFacts,
    KnownConnection,
)
from services.mithril_api.store import sql
from shared.models.ids import ClientId, ConnectionId
from shared.runtime.postgres import driver_of

_FACTS = sql.load("client_facts")


async def facts_for(
    conn: AsyncConnection,
    *,
    client_ids: Sequence[ClientId],
    secrets: Sequence[Sequence[bytes]],
    now: datetime,
) -> list[ClientFacts | None]:
    """Facts in the order asked. `secrets` holds up to four digests of a secret, or none."""
    columns = [
        [made[at] if at < len(made) else None for made in secrets] for at in range(4)
    ]
    rows = await driver_of(conn).fetch(_FACTS, list(client_ids), *columns, now)
    return [None if row["id"] is None else _facts(row) for row in rows]


def _facts(row: Mapping[str, Any]) -> ClientFacts:
    proved = None
    if row["proved_id"] is not None:
        proved = KnownConnection(
            id=ConnectionId(row["proved_id"]), redirect_uri=row["proved_uri"]
        )
    return ClientFacts(
        client_id=ClientId(row["id"]),
        name=row["name"],
        metadata=client_metadata.read(_object(row["settings"])),
        is_blocked=row["is_blocked"],
        owner_id=row["user_id"],
        owner_is_blocked=bool(row["owner_is_blocked"]),
        type_scope=tuple(row["type_scope"].split()),
        by_secret=proved,
        connections=tuple(
            KnownConnection(id=ConnectionId(UUID(found)), redirect_uri=uri)
            for found, uri in row["connections"]
        ),
    )


def _object(raw: Any) -> Mapping[str, Any]:
    # Decoded already where the engine has told the driver how; else as it came.
    found = orjson.loads(raw) if isinstance(raw, str) else raw
    return found if isinstance(found, dict) else {}
