"""What tests of /admin/clients ask, and how they write what they expect."""

from typing import Any

from sqlalchemy import func, select

from services.mithril_api.domain.clients import Client
from shared.models.ids import ClientId, UserId
from shared.models.schema import mithril as tables
from tests.builders import World
from tests.integration.mithril_api.administering import (
    ask,
    unfit,
)
from tests.integration.mithril_api.conftest import Api

REQUIRED = ("name", "user_id", "client_type_id")


def blank(*fields: str) -> list[dict[str, Any]]:
    return [unfit(field, "required", "can't be blank") for field in fields]


def body_of(world: World, **but: Any) -> dict[str, Any]:
    """A body that makes a client of the world's user and type; `...` leaves a field out."""
    client = {
        "name": "Clinic of Saint Luke",
        "user_id": str(world.user_id),
        "client_type_id": str(world.client_type_id),
        **but,
    }
    return {"client": {name: item for name, item in client.items() if item is not ...}}


async def made(api: Api, world: World, **but: Any) -> dict[str, Any]:
    status, answer = await ask(api, "POST", "/clients", body_of(world, **but))
    assert status == 201, answer
    data: dict[str, Any] = answer["data"]
    return data


async def blocks(api: Api, client_id: str) -> list[tuple[bool, str | None]]:
    h = tables.client_block_history
    query = select(h.c.is_blocked, h.c.block_reason).where(h.c.client_id == client_id)
    async with api.deps.db.read() as conn:
        rows = await conn.execute(query.order_by(h.c.id))
        return [(row.is_blocked, row.block_reason) for row in rows]


def now(api: Api) -> str:
    return api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")


def a_client(api: Api, world: World, **but: Any) -> Client:
    values: dict[str, Any] = {
        "id": ClientId(api.deps.entropy.uuid()),
        "name": "Clinic",
        "settings": {},
        "priv_settings": {"access_type": "DIRECT"},
        "is_blocked": False,
        "block_reason": None,
        "user_id": UserId(world.user_id),
        "client_type_id": world.client_type_id,
        "inserted_at": api.clock.now(),
        "updated_at": api.clock.now(),
        **but,
    }
    return Client(**values)


async def count(api: Api, table: Any, client_id: ClientId) -> int:
    query = select(func.count()).select_from(table).where(table.c.client_id == client_id)
    async with api.deps.db.read() as conn:
        return int((await conn.execute(query)).scalar_one())


def revoked(world: World, reason: str, how_many: int) -> dict[str, Any]:
    return {
        "selector": "client",
        "reason": reason,
        "user_id": None,
        "client_id": str(world.client_id),
        "app_id": None,
        "family_id": None,
        "token_id": None,
        "count": how_many,
    }
