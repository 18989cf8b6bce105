"""A service acts for a user whose token came to it: RFC 8693."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.mithril_api.actions import block_user
from services.mithril_api.actions.deactivate_client_tokens import deactivate_client_tokens
from services.mithril_api.actions.delete_app import delete_app
from services.mithril_api.actions.delete_client import delete_client
from services.mithril_api.actions.delete_tokens import TokensChosen, delete_tokens
from services.mithril_api.actions.delete_user import delete_user
from services.mithril_api.domain.grants import TOKEN_EXCHANGE
from services.mithril_api.domain.oauth2.signing_keys import Alg
from services.mithril_api.domain.oauth2.token_exchange import ACCESS_TOKEN
from services.mithril_api.store import tokens
from shared.models.ids import AppId, UserId
from shared.models.schema import mithril as tables
from shared.models.schema.mithril import tokens as t
from shared.wire import jws
from tests.builders import World, give_keys
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.oauth2.oauth import (
    SECRETLESS,
    Answered,
    a_client,
    a_code,
    a_session,
    bought,
    by_id,
    by_post,
    client_credentials,
    post,
    refresh,
    set_settings,
    token,
)
from tests.integration.mithril_api.oauth2.oauth import (
    exchange as exchange_code,
)
from tests.integration.mithril_api.oauth2.proving import a_key, proved
from tests.races import until_waiting

RECORDS, LABS, OURS = "https://records.test", "https://labs.test", "https://ours.test"
MAY = {"allowed_grant_types": [TOKEN_EXCHANGE], "resource": [OURS, RECORDS]}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A client with a user's tokens, and a service that its access token came to."""

    clinic: World
    service: World
    bought: dict[str, Any]


@pytest.fixture
async def scene(api: Api) -> Scene:
    clinic = await a_client(api)
    service = await a_client(api, **MAY)
    return Scene(clinic=clinic, service=service, bought=await bought(api, clinic))


async def another_owner(api: Api, world: World) -> UserId:
    """Give a client to a user who is not the one that signed in."""
    other = await a_client(api)
    c = tables.clients
    mine = update(c).where(c.c.id == world.client_id).values(user_id=other.user_id)
    async with api.deps.db.begin() as conn:
        await conn.execute(mine)
    return other.user_id


def asked(by: World, subject: str, **but: Any) -> dict[str, Any]:
    return {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": subject,
        "subject_token_type": ACCESS_TOKEN,
        "resource": RECORDS,
        **by_post(by),
        **but,
    }


async def exchange(api: Api, by: World, subject: str, **but: Any) -> Answered:
    return await token(api, asked(by, subject, **but))


async def introspected(api: Api, by: World, value: str) -> dict[str, Any]:
    return (await post(api, "/oauth2/introspect", {"token": value, **by_post(by)})).body


async def acting(api: Api, scene: Scene, **but: Any) -> str:
    """The access token of the service."""
    answer = await exchange(api, scene.service, scene.bought["access_token"], **but)
    assert answer.status == 200, answer.body
    return str(answer.body["access_token"])


async def is_live(api: Api, by: World, value: str) -> bool:
    return bool((await introspected(api, by, value))["active"])


async def test_a_service_gets_less_than_what_it_shows_and_it_says_who_acts(
    api: Api, scene: Scene
) -> None:
    api.clock.advance(timedelta(minutes=10))
    answer = await exchange(
        api, scene.service, scene.bought["access_token"], scope="episode:read"
    )
    told = await introspected(api, scene.service, answer.body["access_token"])

    assert answer.status == 200
    assert answer.body["issued_token_type"] == ACCESS_TOKEN
    assert set(answer.body) == {
        *("access_token", "token_type", "expires_in", "scope", "issued_token_type")
    }
    assert answer.body["expires_in"] == 3000  # what is left of the one that was shown
    assert (told["sub"], told["scope"]) == (str(scene.clinic.user_id), "episode:read")
    assert told["act"] == {"sub": str(scene.service.client_id)}
    assert told["client_id"] == str(scene.service.client_id)
    assert told["aud"] == [RECORDS]


async def test_an_event_says_who_acts_for_whom(api: Api, scene: Scene) -> None:
    await acting(api, scene)

    query = tables.outbox.select().where(
        tables.outbox.c.type == "mithril.token.exchanged.v1"
    )
    async with api.deps.db.read() as conn:
        (row,) = (await conn.execute(query)).all()

    told = row.payload
    assert told["user_id"] == str(scene.clinic.user_id)
    assert told["client_id"] == str(scene.service.client_id)
    assert told["subject_client_id"] == str(scene.clinic.client_id)
    assert told["actors"] == [str(scene.service.client_id)]


async def test_services_act_for_one_another_and_not_without_end(
    api: Api, scene: Scene
) -> None:
    value = scene.bought["access_token"]
    chain: list[str] = []
    may = {**MAY, "resource": [RECORDS]}
    for _ in range(5):
        service = await a_client(api, **may)
        answer = await exchange(api, service, value)
        if answer.status != 200:
            break
        chain.insert(0, str(service.client_id))
        value = answer.body["access_token"]
        last = service

    assert len(chain) == 4
    assert answer.refusal == (400, "invalid_request")
    act = (await introspected(api, last, value))["act"]
    found = []
    while act:
        found.append(act["sub"])
        act = act.get("act")
    assert found == chain


async def test_it_is_a_jwt_where_that_is_wanted(api: Api, scene: Scene) -> None:
    await give_keys(api.deps, Alg.EDDSA)
    await set_settings(api, scene.service, **MAY, access_token_format="jwt")

    shown = jws.read(await acting(api, scene))

    assert shown is not None
    assert shown.claims["act"] == {"sub": str(scene.service.client_id)}
    assert shown.claims["aud"] == RECORDS


@pytest.mark.parametrize(
    "how",
    [
        *("family", "token", "block", "approval", "operator"),
        *("value", "deactivation", "the client", "its owner"),
    ],
)
async def test_it_ends_with_what_it_was_exchanged_for(
    api: Api, scene: Scene, how: str
) -> None:
    value, subject = await acting(api, scene), scene.bought["access_token"]
    assert await is_live(api, scene.service, value)
    clinic = by_post(scene.clinic)
    if how == "family":
        ended = {"token": scene.bought["refresh_token"], **clinic}
        await post(api, "/oauth2/revoke", ended)
    elif how == "token":
        await post(api, "/oauth2/revoke", {"token": subject, **clinic})
    elif how == "block":
        await block_user.block_user(api.deps, scene.clinic.user_id, reason="left")
    elif how == "approval":
        app_id = AppId(scene.clinic.app_id)
        await delete_app(api.deps, scene.clinic.user_id, app_id)
    elif how == "operator":
        told = await introspected(api, scene.clinic, subject)
        path = f"/admin/tokens/{told['jti']}"
        assert (await api.internal.delete(path)).status == 204
    elif how == "value":
        chosen = TokensChosen(user_id=scene.clinic.user_id, value=subject)
        await delete_tokens(api.deps, chosen)
    elif how == "deactivation":
        await deactivate_client_tokens(api.deps, scene.clinic.client_id)
    elif how == "the client":
        assert await delete_client(api.deps, scene.clinic.client_id) is None
    else:
        assert await delete_user(api.deps, await another_owner(api, scene.clinic)) is None

    assert not await is_live(api, scene.service, value)


async def test_the_end_of_one_token_ends_no_other_of_its_family(
    api: Api, scene: Scene
) -> None:
    value = await acting(api, scene)
    answer = await refresh(api, scene.clinic, scene.bought["refresh_token"])
    form = {"token": answer.body["access_token"], **by_post(scene.clinic)}

    await post(api, "/oauth2/revoke", form)

    assert await is_live(api, scene.service, value)


async def test_none_comes_of_a_token_whose_revocation_is_under_way(
    api: Api, scene: Scene
) -> None:
    subject = scene.bought["access_token"]
    async with api.deps.db.begin() as conn:
        mine = tokens.of_user(scene.clinic.user_id)
        await tokens.revoke(conn, mine, at=api.clock.now())
        waiting = asyncio.create_task(exchange(api, scene.service, subject))
        await until_waiting(api.deps)

    assert (await waiting).refusal == (400, "invalid_request")


@pytest.mark.parametrize(
    ("but", "error"),
    [
        ({"subject_token": ...}, "invalid_request"),
        ({"subject_token_type": ...}, "invalid_request"),
        ({"subject_token_type": ACCESS_TOKEN.replace("access", "id")}, "invalid_request"),
        (
            {"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"},
            "invalid_request",
        ),
        ({"actor_token": "x"}, "invalid_request"),
        ({"subject_token": "nobody's"}, "invalid_request"),
        ({"subject_token": "mth" + "0" * 29}, "invalid_request"),
        ({"subject_token": "eyJ" + "a" * 17_000}, "invalid_request"),
        ({"resource": ...}, "invalid_request"),
        ({"resource": LABS}, "invalid_target"),
        ({"resource": "labs"}, "invalid_target"),
        ({"audience": LABS}, "invalid_target"),
        ({"scope": "episode:read person:everything"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "ерisode:read"}, "invalid_scope"),
        ({"client_secret": "wrong"}, "invalid_client"),
    ],
)
async def test_what_may_not_be_exchanged_has_the_standards_error(
    api: Api, scene: Scene, but: dict[str, Any], error: str
) -> None:
    answer = await exchange(api, scene.service, scene.bought["access_token"], **but)

    assert answer.body["error"] == error
    assert answer.status == (401 if error == "invalid_client" else 400)


async def test_only_live_access_tokens_of_users_at_other_clients_are_exchanged(
    api: Api, scene: Scene
) -> None:
    machine = await token(api, client_credentials(**by_post(scene.clinic)))
    own = await bought(api, scene.service)
    for_others = await a_client(api, resource=[LABS])
    code = await a_code(api, for_others, resource=LABS)
    meant = (await exchange_code(api, for_others, code)).body
    unfit = [
        scene.bought["refresh_token"],
        machine.body["access_token"],
        await a_session(api, scene.clinic),
        own["access_token"],
        meant["access_token"],
    ]

    refusals = [await exchange(api, scene.service, value) for value in unfit]
    api.clock.advance(timedelta(hours=1))
    late = await exchange(api, scene.service, scene.bought["access_token"])

    answers = {answer.refusal for answer in (*refusals, late)}
    assert answers == {(400, "invalid_request")}


async def test_what_the_client_may_not_do_it_does_for_nobody(
    api: Api, scene: Scene
) -> None:
    ct = tables.client_types
    mine = tables.clients.select().where(tables.clients.c.id == scene.service.client_id)
    async with api.deps.db.begin() as conn:
        type_id = (await conn.execute(mine)).one().client_type_id
        narrow = update(ct).where(ct.c.id == type_id).values(scope=["episode:read"])
        await conn.execute(narrow)

    value = await acting(api, scene)
    wider = await exchange(
        api, scene.service, scene.bought["access_token"], scope="episode:write"
    )

    assert (await introspected(api, scene.service, value))["scope"] == "episode:read"
    assert wider.refusal == (400, "invalid_scope")


async def test_a_bound_token_is_exchanged_with_its_key_alone(
    api: Api, scene: Scene
) -> None:
    clinic = await a_client(api, dpop_bound_access_tokens=True)
    bound = await proved_bought(api, clinic)

    bare = await exchange(api, scene.service, bound)
    other = await proved(api, asked(scene.service, bound), a_key("other"))
    own = await proved(api, asked(scene.service, bound))

    assert bare.refusal == other.refusal == (400, "invalid_request")
    assert (own.status, own.body["token_type"]) == (200, "DPoP")


async def proved_bought(api: Api, world: World) -> str:
    """An access token of a user that is bound to our key."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": world.refresh.value,
        **by_post(world),
    }
    answer = await proved(api, form)
    assert answer.status == 200, answer.body
    return str(answer.body["access_token"])


@pytest.mark.parametrize(
    "settings", [{**MAY, "allowed_grant_types": []}, {**MAY, **SECRETLESS}]
)
async def test_whoever_may_not_use_the_grant_is_told_so(
    api: Api, scene: Scene, settings: dict[str, Any]
) -> None:
    await set_settings(api, scene.service, **settings)
    by = (
        {**by_id(scene.service), "client_secret": ...}
        if "token_endpoint_auth_method" in settings
        else {}
    )

    answer = await exchange(api, scene.service, scene.bought["access_token"], **by)

    assert answer.refusal == (400, "unauthorized_client")


async def test_it_stands_among_the_tokens_of_its_user(api: Api, scene: Scene) -> None:
    value = await acting(api, scene)

    async with api.deps.db.read() as conn:
        query = t.select().where(t.c.grant_type == TOKEN_EXCHANGE)
        (row,) = (await conn.execute(query)).all()

    assert row.user_id == scene.clinic.user_id
    assert value not in str(row)
