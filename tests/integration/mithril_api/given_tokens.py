"""What tests of /admin/tokens ask, and how they write what they expect."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

from services.mithril_api.domain.given_tokens import Details
from services.mithril_api.domain.minting import Minted
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, store
from tests.integration.mithril_api.administering import (
    ask,
    unfit,
    validation,
)
from tests.integration.mithril_api.conftest import Api

VALUE = "TmljZS10b2tlbi1mcm9tLWVsc2V3aGVyZQ09"
FIELDS = ("name", "value", "user_id", "expires_at", "details")
ISSUED = "mithril.token.issued.v1"
CHANGED = "mithril.token.changed.v1"
REVOKED = "mithril.token.revoked.v1"
TAKEN = validation(unfit("value", None, "has already been taken"))
NO_DETAILS = Details(
    client_id=None,
    app_id=None,
    grant_type=None,
    scope=(),
    scope_request=(),
    is_used=False,
    written={},
)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def in_days(api: Api, days: float) -> int:
    return seconds(api.clock.now() + timedelta(days=days))


def body_of(api: Api, world: World, **but: Any) -> dict[str, Any]:
    """An access token of the world's user for its client; `...` leaves a field out."""
    token = {
        "name": "access_token",
        "value": VALUE,
        "user_id": str(world.user_id),
        "expires_at": in_days(api, 1),
        "details": {"client_id": str(world.client_id), "scope": "person:read"},
        **but,
    }
    return {"token": {name: item for name, item in token.items() if item is not ...}}


async def given(api: Api, world: World, **but: Any) -> dict[str, Any]:
    status, answer = await ask(api, "POST", "/tokens", body_of(api, world, **but))
    assert status == 201, answer
    data: dict[str, Any] = answer["data"]
    return data


async def minted(api: Api, world: World, name: TokenName = TokenName.ACCESS) -> Minted:
    """A token as this service issues one, stored."""
    made = a_token(api.deps, name, world.user_id, world.client_id)
    await store(api.deps, made)
    return made


async def everything_at_rest(api: Api) -> str:
    """All rows of tokens, where they are found, and all events, as text."""
    found = []
    async with api.deps.db.read() as conn:
        for table in (tables.tokens, tables.token_expiries, tables.outbox):
            rows = select(text("t::text")).select_from(table.alias("t"))
            found += (await conn.execute(rows)).scalars()
    return "\n".join(found)


async def count(api: Api, table: Any, *where: Any) -> int:
    query = select(func.count()).select_from(table).where(*where)
    async with api.deps.db.read() as conn:
        return int((await conn.execute(query)).scalar_one())


def revoked(**but: Any) -> tuple[str, dict[str, Any]]:
    event = {
        "selector": "token",
        "reason": "deleted",
        "user_id": None,
        "client_id": None,
        "app_id": None,
        "family_id": None,
        "token_id": None,
        "count": 1,
    }
    return REVOKED, {**event, **but}
