"""What several tests of the public listener ask, and how they look at what came of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.mithril_api.deps import Deps
from services.mithril_api.domain.minting import Minted
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import SCOPE, World, a_token, a_world, store
from tests.integration.mithril_api.conftest import Api

LOGIN_SCOPE = ("app:authorize", "user:read", "user:change_password")

Answered = tuple[int, dict[str, Any]]


async def a_clinic(deps: Deps, **but: Any) -> World:
    """A world whose client may sign users in, too."""
    return await a_world(deps, scope=(*SCOPE, *LOGIN_SCOPE), **but)


async def log_in(api: Api, world: World, **but: Any) -> Answered:
    """Ask POST /auth/login; `...` leaves a field out."""
    token: dict[str, Any] = {
        "grant_type": "password",
        "email": world.email,
        "password": world.password,
        "client_id": str(world.client_id),
        "scope": "app:authorize",
        **but,
    }
    given = {name: value for name, value in token.items() if value is not ...}
    response = await api.public.post("/auth/login", json={"token": given})
    return response.status, await response.json()


async def authorize(api: Api, world: World, session: str, **but: Any) -> Answered:
    """Ask POST /oauth/apps/authorize with a session token."""
    app: dict[str, Any] = {
        "client_id": str(world.client_id),
        "redirect_uri": world.redirect_uri,
        "scope": " ".join(SCOPE),
        **but,
    }
    given = {name: value for name, value in app.items() if value is not ...}
    response = await api.public.post(
        "/oauth/apps/authorize", json={"app": given}, headers=bearer(session)
    )
    return response.status, await response.json()


async def exchange(api: Api, world: World, code: str, /, **but: Any) -> Answered:
    """Ask POST /oauth/tokens with a code."""
    token: dict[str, Any] = {
        "grant_type": "authorization_code",
        "client_id": str(world.client_id),
        "client_secret": world.client_secret,
        "code": code,
        "redirect_uri": world.redirect_uri,
        **but,
    }
    given = {name: value for name, value in token.items() if value is not ...}
    response = await api.public.post("/oauth/tokens", json={"token": given})
    return response.status, await response.json()


async def log_out(api: Api, value: str) -> Answered:
    """Ask POST /auth/logout."""
    response = await api.public.post("/auth/logout", headers=bearer(value))
    return response.status, await response.json()


async def verify(api: Api, value: str) -> int:
    """Whether the platform takes an access token: 200, or not."""
    return (await api.internal.get(f"/admin/tokens/{value}/verify")).status


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


async def a_session(
    api: Api, world: World, name: TokenName = TokenName.ACCESS, *, scope: str
) -> Minted:
    """A token as a sign-in gives one, stored."""
    minted = a_token(
        api.deps,
        name,
        world.user_id,
        world.client_id,
        scope=tuple(scope.split()),
        lives=timedelta(hours=1),
        grant_type="password",
    )
    await store(api.deps, minted)
    return minted


async def execute(api: Api, statement: Any) -> None:
    """Run a statement, committed."""
    async with api.deps.db.begin() as conn:
        await conn.execute(statement)


async def events_of(api: Api) -> list[tuple[str, dict[str, Any]]]:
    """Types and data of all events, in order."""
    query = select(tables.outbox.c.type, tables.outbox.c.payload)
    async with api.deps.db.begin() as conn:
        rows = (await conn.execute(query.order_by(tables.outbox.c.position))).all()
    return [(row.type, row.payload) for row in rows]


async def live_tokens(api: Api, user_id: UUID) -> list[str]:
    """The names of a user's tokens that still work, sorted."""
    t = tables.tokens
    query = select(t.c.name).where(
        t.c.user_id == user_id,
        t.c.revoked_at.is_(None),
        t.c.used_at.is_(None),
        t.c.expires_at > api.clock.now(),
    )
    async with api.deps.db.begin() as conn:
        return sorted((await conn.execute(query)).scalars())


def required(*fields: str) -> list[dict[str, Any]]:
    """The entries that name missing fields."""
    rule = {"rule": "required", "params": [], "description": "can't be blank"}
    return [entry(field, rule) for field in fields]


def entry(field: str, rule: dict[str, Any]) -> dict[str, Any]:
    """One entry of `invalid`."""
    return {
        "entry_type": "json_data_property",
        "entry": f"$.{field}",
        "rules": [rule],
    }
