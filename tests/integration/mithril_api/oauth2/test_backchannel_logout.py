"""Clients hear that a session ended (OpenID Connect Back-Channel Logout 1.0)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select

from services.mithril_api.actions.oauth2.deliver_logout import Delivery, deliver_logout
from services.mithril_api.domain.oauth2.signing_keys import Alg
from shared.models.schema import mithril as tables
from shared.wire import jws
from shared.wire.jws import Unusable
from tests.builders import World, a_pair, give_keys
from tests.integration.mithril_api.administering import ask
from tests.integration.mithril_api.asking import log_out
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.oauth2.oauth import (
    a_client,
    a_session,
    allow,
    begun,
    exchange,
    query_of,
    set_settings,
)


@dataclass
class Clinic:
    """A client's own server."""

    url: str = ""
    status: int = 200
    heard: list[str] = field(default_factory=list)
    led_on: int = 0

    def claims(self) -> list[dict[str, Any]]:
        found = [jws.read(token) for token in self.heard]
        return [dict(shown.claims) for shown in found if shown is not None]


@pytest.fixture
async def clinic() -> AsyncIterator[Clinic]:
    made = Clinic()

    async def take(request: web.Request) -> web.Response:
        assert request.content_type == "application/x-www-form-urlencoded"
        made.heard.append(str((await request.post())["logout_token"]))
        headers = {"Location": "/elsewhere"} if made.status == 302 else {}
        return web.Response(status=made.status, headers=headers)

    async def elsewhere(_: web.Request) -> web.Response:
        made.led_on += 1
        return web.Response()

    app = web.Application()
    app.router.add_post("/logout", take)
    app.router.add_route("*", "/elsewhere", elsewhere)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/logout"))
        yield made


@pytest.fixture(autouse=True)
async def keys_are_there(api: Api) -> None:
    await give_keys(api.deps)


async def known(api: Api, clinic: Clinic, **but: Any) -> tuple[World, str, str]:
    """A client that knows a session of the doctor: the session, and what it is called."""
    world = await a_client(api, backchannel_logout_uri=clinic.url, **but)
    session = await a_session(api, world)
    return world, session, await signed_in(api, world, session)


async def signed_in(
    api: Api, world: World, session: str, scope: str = "openid episode:read"
) -> str:
    request_uri = await begun(api, world, scope=scope)
    answer = await allow(api, world, request_uri, session)
    code = query_of(answer.headers["Location"])["code"]
    tokens = (await exchange(api, world, code)).body
    shown = jws.read(tokens.get("id_token", ""))
    return "" if shown is None else str(shown.claims["sid"])


async def owed(api: Api) -> int:
    async with api.deps.db.read() as conn:
        query = select(func.count()).select_from(tables.owed_logouts)
        return int((await conn.execute(query)).scalar_one())


async def test_a_client_is_told_which_session_of_whom_is_over(
    api: Api, clinic: Clinic
) -> None:
    world, session, sid = await known(api, clinic)

    await log_out(api, session)
    assert await deliver_logout(api.deps) is Delivery.SENT
    assert await deliver_logout(api.deps) is Delivery.NOTHING_DUE

    (token,) = clinic.heard
    shown = jws.read(token)
    assert shown is not None
    public = jws.public_key(a_pair(Alg.RS256).public_jwk)
    assert not isinstance(public, Unusable)
    assert jws.is_signed(shown, public)
    assert shown.header["typ"] == "logout+jwt"
    claims = dict(shown.claims)
    now = int(api.clock.now().timestamp())
    assert claims.pop("jti")
    assert claims == {
        "iss": str(api.public.make_url("")).rstrip("/"),
        "sub": str(world.user_id),
        "aud": str(world.client_id),
        "iat": now,
        "exp": now + 120,
        "sid": sid,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }


async def test_only_clients_of_that_session_that_want_to_hear_are_told(
    api: Api, clinic: Clinic
) -> None:
    world, session, sid = await known(api, clinic)
    other = await a_session(api, world)
    other_sid = await signed_in(api, world, other)
    await signed_in(api, await a_client(api), session, scope="openid")

    await log_out(api, session)
    while await deliver_logout(api.deps) is not Delivery.NOTHING_DUE:
        pass

    assert other_sid != sid
    assert [claims["sid"] for claims in clinic.claims()] == [sid]


async def test_a_client_that_never_asked_who_signed_in_is_not_told(
    api: Api, clinic: Clinic
) -> None:
    world = await a_client(api, backchannel_logout_uri=clinic.url)
    session = await a_session(api, world)
    await signed_in(api, world, session, scope="episode:read")

    await log_out(api, session)

    assert await owed(api) == 0


async def test_when_a_user_is_blocked_all_their_sessions_are_over(
    api: Api, clinic: Clinic
) -> None:
    world, _, first = await known(api, clinic)
    second = await signed_in(api, world, await a_session(api, world))

    status, _ = await ask(api, "PATCH", f"/users/{world.user_id}/actions/block")
    while await deliver_logout(api.deps) is not Delivery.NOTHING_DUE:
        pass

    assert status == 200
    assert {claims["sid"] for claims in clinic.claims()} == {first, second}


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_client_that_is_unwell_is_told_later_and_the_same(
    api: Api, clinic: Clinic, status: int
) -> None:
    _, session, _ = await known(api, clinic)
    clinic.status = status
    await log_out(api, session)
    assert await deliver_logout(api.deps) is Delivery.FAILED
    assert await deliver_logout(api.deps) is Delivery.NOTHING_DUE
    clinic.status = 204
    api.clock.advance(timedelta(minutes=1))

    assert await deliver_logout(api.deps) is Delivery.SENT
    assert len({claims["jti"] for claims in clinic.claims()}) == 1
    assert await owed(api) == 0


async def test_nobody_is_told_for_longer_than_a_day(api: Api, clinic: Clinic) -> None:
    _, session, _ = await known(api, clinic)
    clinic.status = 500
    await log_out(api, session)
    api.clock.advance(timedelta(days=1))

    assert await deliver_logout(api.deps) is Delivery.DROPPED
    assert await owed(api) == 0


@pytest.mark.parametrize("status", [302, 400, 404])
async def test_what_a_client_refuses_is_not_sent_again_and_no_redirect_is_followed(
    api: Api, clinic: Clinic, status: int
) -> None:
    _, session, _ = await known(api, clinic)
    clinic.status = status
    await log_out(api, session)

    assert await deliver_logout(api.deps) is Delivery.DROPPED
    assert (await owed(api), clinic.led_on, len(clinic.heard)) == (0, 0, 1)


async def test_a_client_that_is_away_is_told_when_it_is_back(
    api: Api, clinic: Clinic
) -> None:
    world, session, _ = await known(api, clinic)
    await set_settings(api, world, backchannel_logout_uri="http://127.0.0.1:1/")
    await log_out(api, session)
    assert await deliver_logout(api.deps) is Delivery.FAILED
    await set_settings(api, world, backchannel_logout_uri=clinic.url)
    api.clock.advance(timedelta(minutes=1))

    assert await deliver_logout(api.deps) is Delivery.SENT


async def test_a_client_that_wants_to_hear_no_more_is_not_told(
    api: Api, clinic: Clinic
) -> None:
    world, session, _ = await known(api, clinic)
    await log_out(api, session)
    await set_settings(api, world)

    assert await deliver_logout(api.deps) is Delivery.DROPPED
    assert clinic.heard == []


@pytest.mark.parametrize(
    "uri",
    [
        "http://clinic.test/logout",
        "ftp://clinic.test/",
        "https://user@clinic.test/",
        "https://clinic.test/#x",
        "https://clinic.test/ x",
        "https:///logout",
        "//clinic.test",
        "",
        7,
    ],
)
async def test_an_address_that_is_not_fit_is_refused_when_it_is_registered(
    api: Api, uri: object
) -> None:
    world = await a_client(api)
    body = {"client": {"settings": {"backchannel_logout_uri": uri}}}

    status, answer = await ask(api, "PATCH", f"/clients/{world.client_id}", body)

    assert status == 422
    (entry,) = answer["error"]["invalid"]
    assert entry["entry"] == "$.settings.backchannel_logout_uri"
