"""GET /oauth/apps/authorize: what a consent page shows, by the rule of the consent itself."""

from typing import Any

import pytest
from sqlalchemy import update

from shared.models.schema import mithril as tables
from tests.builders import World
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import (
    Answered,
    a_clinic,
    a_session,
    authorize,
    bearer,
    events_of,
    execute,
)
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.town import an_api, count

PATH = "/oauth/apps/authorize"
NOBODY = "6498d88e-97fb-47e2-85a5-99e884f888aa"


async def preview(api: Api, world: World, session: str | None, **but: Any) -> Answered:
    """Ask; `...` leaves a parameter out."""
    asked = {
        "client_id": str(world.client_id),
        "redirect_uri": world.redirect_uri,
        "scope": "episode:read person:read",
        **but,
    }
    given = {name: value for name, value in asked.items() if value is not ...}
    headers = {} if session is None else bearer(session)
    response = await api.public.get(PATH, params=given, headers=headers)
    return response.status, await response.json()


async def a_signed_in(api: Api, approved: list[str]) -> tuple[World, str]:
    world = await a_clinic(api.deps)
    await execute(api, update(tables.apps).values(scope=approved))
    session = await a_session(api, world, scope="app:authorize")
    return world, session.value


async def test_it_says_who_asks_for_what_and_what_of_it_is_new(api: Api) -> None:
    world, session = await a_signed_in(api, ["person:read", "episode:write"])

    status, body = await preview(api, world, session)

    assert (status, body["data"]) == (
        200,
        {
            "client": {"id": str(world.client_id), "name": "Clinic"},
            "redirect_uri": world.redirect_uri,
            "scope": "episode:read person:read",
            "granted": "person:read",
            "new": "episode:read",
            "trusted": False,
        },
    )


async def test_where_all_is_allowed_already_nothing_is_new(api: Api) -> None:
    world, session = await a_signed_in(api, ["episode:read", "person:read"])

    _, body = await preview(api, world, session)

    assert (body["data"]["granted"], body["data"]["new"]) == (
        "episode:read person:read",
        "",
    )


async def test_where_nothing_was_ever_allowed_all_is_new(api: Api) -> None:
    world, session = await a_signed_in(api, [])
    await execute(api, tables.apps.delete())

    _, body = await preview(api, world, session, scope="person:read person:read")

    assert (body["data"]["scope"], body["data"]["new"]) == ("person:read", "person:read")


async def test_a_trusted_client_need_not_name_a_scope(
    mithril_database: str, clock: SteppingClock
) -> None:
    async with an_api(mithril_database, clock) as api:
        world, session = await a_signed_in(api, [])
    trusted = {"trusted_client_ids": (str(world.client_id),)}
    async with an_api(mithril_database, clock, **trusted) as api:
        _, body = await preview(api, world, session, scope=...)

    assert body["data"]["trusted"] is True
    assert "episode:write" in body["data"]["scope"].split()


async def test_it_changes_nothing(api: Api) -> None:
    world, session = await a_signed_in(api, [])
    before = await count(api.deps, tables.tokens)

    await preview(api, world, session)

    assert await events_of(api) == []
    assert await count(api.deps, tables.tokens) == before


@pytest.mark.parametrize(
    "but",
    [
        pytest.param({"client_id": NOBODY}, id="no such client"),
        pytest.param({"redirect_uri": "https://evil.test/"}, id="another redirect"),
        pytest.param({"scope": ...}, id="no scope"),
        pytest.param({"scope": "never:heard-of"}, id="not of the client type"),
        pytest.param({"client_id": ..., "redirect_uri": ...}, id="fields missing"),
        pytest.param({"client_id": "7"}, id="an id that is none"),
        pytest.param(
            {"scope": "never:heard-of", "redirect_uri": "https://evil.test/"},
            id="of two faults the first",
        ),
    ],
)
async def test_it_refuses_what_the_consent_refuses_in_the_same_words(
    api: Api, but: dict[str, Any]
) -> None:
    world, session = await a_signed_in(api, [])

    shown = await preview(api, world, session, **but)
    given = await authorize(api, world, session, **{"scope": "person:read", **but})

    assert shown[0] == given[0] != 200
    assert shown[1]["error"] == given[1]["error"]


@pytest.mark.parametrize("table", [tables.clients, tables.users])
async def test_who_is_blocked_is_told_so(api: Api, table: Any) -> None:
    world, session = await a_signed_in(api, [])
    await execute(api, update(table).values(is_blocked=True))

    shown = await preview(api, world, session)
    given = await authorize(api, world, session)

    assert shown[0] == given[0] == 401
    assert shown[1]["error"] == given[1]["error"]


async def test_a_scope_beyond_the_roles_is_refused(api: Api) -> None:
    world, session = await a_signed_in(api, [])
    await execute(api, tables.user_roles.delete())

    status, body = await preview(api, world, session)

    text = "User requested scope that is not allowed by role based access policies."
    assert (status, body["error"]["message"]) == (422, text)


async def test_only_a_session_that_may_consent_is_shown_it(api: Api) -> None:
    world, _ = await a_signed_in(api, [])
    other = await a_session(api, world, scope="person:read")

    assert (await preview(api, world, other.value))[0] == 403
    assert (await preview(api, world, None))[0] == 401
