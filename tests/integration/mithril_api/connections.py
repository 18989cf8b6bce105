"""What tests of connections ask, and how they write what they expect."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from services.mithril_api.domain.keys import CONNECTION_SECRET
from shared.models.schema import mithril as tables
from tests.builders import World, a_world
from tests.integration.mithril_api.administering import (
    Answered,
    ask,
)
from tests.integration.mithril_api.conftest import Api

URI = "https://mis.test/callback"
SECRET = re.compile(r"^[A-Za-z0-9]{32}\Z")
FORMAT = r"^https://[^\s\p{Cc}#]+$"
CHANGED = "mithril.connection.changed.v1"
ROTATED = "mithril.connection.secret-rotated.v1"


def path_of(world: World) -> str:
    return f"/clients/{world.client_id}/connections"


async def opened(api: Api, world: World, consumer: World, uri: str = URI) -> dict[str, Any]:
    body = {"consumer_id": str(consumer.client_id), "redirect_uri": uri}
    status, answer = await ask(api, "PUT", path_of(world), body)
    assert status == 201, answer
    data: dict[str, Any] = answer["data"]
    return data


async def pair(api: Api) -> tuple[World, World, dict[str, Any]]:
    """A clinic, a MIS, and the connection which the MIS has for the clinic."""
    clinic, mis = await a_world(api.deps), await a_world(api.deps)
    return clinic, mis, await opened(api, clinic, mis)


async def refreshes_with(api: Api, world: World, secrets: Sequence[str]) -> list[int]:
    """The statuses of the documented refresh with each secret."""
    statuses = []
    for secret in secrets:
        body = world.refresh_body(client_secret=secret)
        statuses.append((await api.public.post("/oauth/tokens", json=body)).status)
    return statuses


async def rotated(api: Api, connection: dict[str, Any], **headers: str) -> Answered:
    path = f"/clients/{connection['client_id']}/connections/{connection['id']}"
    return await ask(api, "PATCH", f"{path}/actions/refresh_secret", headers=headers)


def told(kind: str, connection: dict[str, Any], **but: str) -> tuple[str, dict[str, Any]]:
    names = {"client_id": "client_id", "connection_id": "id", "consumer_id": "consumer_id"}
    return kind, {**{key: connection[name] for key, name in names.items()}, **but}


async def digests(api: Api, connection_id: str) -> list[tuple[bytes, Any]]:
    s = tables.connection_secrets
    query = (
        select(s.c.digest, s.c.expires_at)
        .where(s.c.connection_id == connection_id)
        .order_by(s.c.expires_at.nulls_last())
    )
    async with api.deps.db.read() as conn:
        return [(row.digest, row.expires_at) for row in await conn.execute(query)]


def digest_of(api: Api, secret: str) -> bytes:
    return api.deps.settings.keyring.digest(CONNECTION_SECRET, secret)


def without_secret(connection: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in connection.items() if name != "secret"}


async def lengthen(api: Api, world: World) -> None:
    """Let the world's refresh token outlive the overlap of secrets."""
    path = f"/tokens/{world.refresh.token.id}"
    until = int((api.clock.now() + timedelta(days=30)).timestamp())
    status, answer = await ask(api, "PATCH", path, {"token": {"expires_at": until}})
    assert status == 200, answer
