"""Devices without a browser: RFC 8628 from the first request to the tokens."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from services.mithril_api.actions import block_user
from services.mithril_api.domain import values
from services.mithril_api.domain.grants import DEVICE_CODE
from services.mithril_api.domain.limits import Limit
from services.mithril_api.domain.oauth2.signing_keys import Alg
from services.mithril_api.store import device_authorizations
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from shared.wire import jws
from tests.builders import World, a_world, give_keys
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import bearer
from tests.integration.mithril_api.conftest import Api, an_api
from tests.integration.mithril_api.oauth2.oauth import (
    SECRETLESS,
    Answered,
    a_client,
    a_session,
    by_id,
    by_post,
    exchange,
    post,
    refresh,
    token,
)
from tests.integration.mithril_api.oauth2.proving import a_key, nonce, proof, proved
from tests.races import until_waiting

PATH = "/oauth2/device_authorization"
ALLOWED = {"allowed_grant_types": [DEVICE_CODE]}
SCOPE = "episode:read episode:write"


async def begun(api: Api, world: World, **but: Any) -> dict[str, Any]:
    """What a device is told to begin with."""
    answer = await post(api, PATH, {"scope": SCOPE, **by_post(world), **but})
    assert answer.status == 200, answer.body
    return answer.body


async def poll(api: Api, world: World, device_code: str, **but: Any) -> Answered:
    form = {"grant_type": DEVICE_CODE, "device_code": device_code, **by_post(world)}
    return await token(api, {**form, **but})


async def say(
    api: Api, session: str, user_code: str, answer: str | None = None
) -> Answered:
    """What a user says at the page; none: they look at the question."""
    body = {"user_code": user_code} | ({} if answer is None else {"answer": answer})
    path = "/oauth/device/" + ("preview" if answer is None else "answer")
    response = await api.public.post(path, json={"device": body}, headers=bearer(session))
    return Answered(response.status, await response.json(), response.headers)


async def allowed(api: Api, world: World, **but: Any) -> str:
    """A device code whose user has allowed everything."""
    told = await begun(api, world, **but)
    answer = await say(api, await a_session(api, world), told["user_code"], "allow")
    assert answer.status == 200, answer.body
    return str(told["device_code"])


async def live(api: Api, world: World, *names: TokenName) -> int:
    t = tables.tokens
    query = select(func.count()).where(
        t.c.user_id == world.user_id,
        t.c.grant_type == DEVICE_CODE,
        t.c.name.in_(names),
        t.c.revoked_at.is_(None),
    )
    async with api.deps.db.read() as conn:
        return int((await conn.execute(query)).scalar_one())


async def test_a_device_polls_until_its_user_allows_it_and_then_has_its_tokens(
    api: Api,
) -> None:
    world = await a_client(api, **ALLOWED)
    told = await begun(api, world)

    before = await poll(api, world, told["device_code"])
    shown = await say(api, await a_session(api, world), told["user_code"].lower())
    await say(api, await a_session(api, world), told["user_code"], "allow")
    answer = await poll(api, world, told["device_code"])
    refreshed = await refresh(api, world, answer.body["refresh_token"])

    page = "http://localhost:8085/device"
    assert told["verification_uri"] == page
    assert told["verification_uri_complete"] == f"{page}?user_code={told['user_code']}"
    assert (told["expires_in"], told["interval"]) == (600, 5)
    assert before.refusal == (400, "authorization_pending")
    assert shown.body["data"]["scope"] == SCOPE
    assert shown.body["data"]["user_code"] == told["user_code"]
    assert (answer.status, answer.body["scope"]) == (200, SCOPE)
    assert answer.headers["Cache-Control"] == "no-store"
    assert refreshed.status == 200


async def test_of_the_codes_nothing_but_digests_is_kept(api: Api) -> None:
    world = await a_client(api, **ALLOWED)
    told = await begun(api, world)

    async with api.deps.db.read() as conn:
        row = (await conn.execute(tables.device_authorizations.select())).one()

    bare = told["user_code"].replace("-", "")
    assert told["device_code"] not in str(row)
    assert bare not in str(row)
    assert row.user_code_digest != values.digest_of(bare)


async def test_a_device_that_polls_too_soon_is_slowed_down_for_good(api: Api) -> None:
    world = await a_client(api, **ALLOWED)
    code = (await begun(api, world))["device_code"]

    async def after(seconds: int) -> str:
        api.clock.advance(timedelta(seconds=seconds))
        return str((await poll(api, world, code)).body["error"])

    told = [await after(seconds) for seconds in (0, 5, 1, 6, 16, 10)]

    pending, slower = "authorization_pending", "slow_down"
    assert told == [pending, pending, slower, slower, pending, slower]


async def test_a_device_is_told_that_its_user_refused(api: Api) -> None:
    world = await a_client(api, **ALLOWED)
    told = await begun(api, world)
    session = await a_session(api, world)

    refused = await say(api, session, told["user_code"], "deny")
    again = await say(api, session, told["user_code"], "allow")

    assert refused.status == 200
    assert (again.status, again.body["error"]["type"]) == (404, "device_code_unknown")
    answer = await poll(api, world, told["device_code"])
    assert answer.refusal == (400, "access_denied")


@pytest.mark.parametrize("is_allowed", [False, True])
async def test_a_code_expires_answered_or_not(api: Api, *, is_allowed: bool) -> None:
    world = await a_client(api, **ALLOWED)
    told = await begun(api, world)
    session = await a_session(api, world)
    if is_allowed:
        await say(api, session, told["user_code"], "allow")
    api.clock.advance(timedelta(minutes=10))

    late = await say(api, session, told["user_code"], "allow")

    assert late.body["error"]["type"] == "device_code_unknown"
    answer = await poll(api, world, told["device_code"])
    assert answer.refusal == (400, "expired_token")


async def test_of_two_hundred_polls_at_once_one_gets_tokens(api: Api) -> None:
    world = await a_client(api, **ALLOWED)
    told = await begun(api, world)
    digest = values.digest_of(told["device_code"])
    session = await a_session(api, world)
    async with api.deps.db.begin() as conn:
        await device_authorizations.lock(conn, digest)
        answering = asyncio.create_task(say(api, session, told["user_code"], "allow"))
        await until_waiting(api.deps)
        polls = [
            asyncio.create_task(poll(api, world, told["device_code"])) for _ in range(200)
        ]
        await until_waiting(api.deps, 2)  # the pool of connections holds back the rest
    assert (await answering).status == 200

    answers = await asyncio.gather(*polls)

    given = [answer for answer in answers if answer.status == 200]
    refused = {answer.body["error"] for answer in answers if answer.status != 200}
    assert len(given) == 1
    assert refused <= {"authorization_pending", "slow_down", "invalid_grant"}
    assert await live(api, world, TokenName.ACCESS, TokenName.REFRESH) == 2
    assert (await refresh(api, world, given[0].body["refresh_token"])).status == 200


async def test_a_code_that_comes_again_later_takes_its_family_along(api: Api) -> None:
    world = await a_client(api, **ALLOWED)
    code = await allowed(api, world)
    await poll(api, world, code)
    api.clock.advance(timedelta(seconds=11))

    answer = await poll(api, world, code)

    assert answer.refusal == (400, "invalid_grant")
    assert await live(api, world, TokenName.ACCESS, TokenName.REFRESH) == 0


async def test_of_two_answers_at_once_one_counts(api: Api) -> None:
    world = await a_client(api, **ALLOWED)
    told = await begun(api, world)
    session = await a_session(api, world)
    async with api.deps.db.begin() as conn:
        await device_authorizations.lock(conn, values.digest_of(told["device_code"]))
        both = [
            asyncio.create_task(say(api, session, told["user_code"], answer))
            for answer in ("allow", "deny")
        ]
        await until_waiting(api.deps, 2)

    statuses = sorted([(await answer).status for answer in both])

    assert statuses == [200, 404]


async def test_a_code_does_not_outlive_a_block_of_its_user(api: Api) -> None:
    world = await a_client(api, **ALLOWED)
    code = await allowed(api, world)
    await block_user.block_user(api.deps, world.user_id, reason="left")

    answer = await poll(api, world, code)

    assert answer.status == 400
    assert await live(api, world, TokenName.ACCESS, TokenName.REFRESH) == 0


async def test_a_public_client_that_showed_a_key_gets_tokens_with_that_key_alone(
    api: Api,
) -> None:
    world = await a_client(api, **ALLOWED, **SECRETLESS)
    form = {"scope": SCOPE, **by_id(world)}
    shown = {"DPoP": proof(api, PATH, nonce=await nonce(api))}
    begin = await post(api, PATH, form, shown)
    await say(api, await a_session(api, world), begin.body["user_code"], "allow")
    asked = {
        "grant_type": DEVICE_CODE,
        "device_code": begin.body["device_code"],
        **by_id(world),
    }

    stolen = await proved(api, asked, a_key("thief"))
    bare = await token(api, asked)
    given = await proved(api, asked)

    assert stolen.refusal == bare.refusal == (400, "invalid_grant")
    assert (given.status, given.body["token_type"]) == (200, "DPoP")


async def test_a_device_learns_who_its_user_is(api: Api) -> None:
    world = await a_client(api, **ALLOWED, access_token_format="jwt")
    await give_keys(api.deps, Alg.RS256, Alg.EDDSA)
    code = await allowed(api, world, scope="openid episode:read")

    answer = await poll(api, world, code)

    told, access = (jws.read(answer.body[name]) for name in ("id_token", "access_token"))
    assert told is not None
    assert access is not None
    assert told.claims["sub"] == access.claims["sub"] == str(world.user_id)
    assert (told.claims["aud"], told.claims["amr"]) == (str(world.client_id), ["pwd"])


async def test_whoever_may_not_use_the_grant_is_told_so(api: Api) -> None:
    world = await a_client(api, allowed_grant_types=["password"])
    asked = await post(api, PATH, {"scope": SCOPE, **by_post(world)})
    polled = await poll(api, world, "x" * 32)

    assert asked.refusal == polled.refusal == (400, "unauthorized_client")


@pytest.mark.parametrize(
    ("but", "refusal"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client")),
        ({"scope": "nobody:may"}, (400, "invalid_scope")),
        ({"scope": ...}, (400, "invalid_scope")),
        ({"scope": "ерisode:read"}, (400, "invalid_scope")),
        ({"resource": "https://other.test"}, (400, "invalid_target")),
        ("scope=a&scope=b", (400, "invalid_request")),
    ],
)
async def test_what_cannot_be_asked_for_is_refused_in_the_standards_words(
    api: Api, but: Any, refusal: tuple[int, str]
) -> None:
    world = await a_client(api, **ALLOWED)
    if isinstance(but, str):
        answer = await post(
            api, PATH, but, {"Content-Type": "application/x-www-form-urlencoded"}
        )
    else:
        answer = await post(api, PATH, {"scope": SCOPE, **by_post(world), **but})

    assert answer.refusal == refusal


async def test_a_code_of_another_client_or_of_another_grant_buys_nothing(api: Api) -> None:
    world, other = await a_client(api, **ALLOWED), await a_client(api, **ALLOWED)
    told = await begun(api, world)
    unanswered = await poll(api, other, told["device_code"])
    await say(api, await a_session(api, world), told["user_code"], "allow")

    refusals = [
        unanswered,
        await poll(api, other, told["device_code"]),
        await exchange(api, world, told["device_code"]),
        await poll(api, world, "no code of ours"),
        await poll(api, world, world.refresh.value),
    ]
    legacy = await api.public.post(
        "/oauth/tokens",
        json={
            "token": {
                "grant_type": "authorization_code",
                "client_id": str(world.client_id),
                "client_secret": world.client_secret,
                "code": told["device_code"],
                "redirect_uri": world.redirect_uri,
            }
        },
    )

    assert {answer.refusal for answer in refusals} == {(400, "invalid_grant")}
    assert legacy.status == 401
    assert (await poll(api, world, told["device_code"])).status == 200


@pytest.mark.parametrize("text", ["", "WDJB", "ß" * 200, "BCDF-GHJK", "\u0000"])
async def test_a_wrong_user_code_is_no_more_than_unknown(api: Api, text: str) -> None:
    world = await a_client(api, **ALLOWED)
    session = await a_session(api, world)

    answer = await say(api, session, text)

    kind = answer.body["error"]["type"]
    assert (answer.status, kind) in {
        (404, "device_code_unknown"),
        (422, "validation_failed"),
        (400, "request_malformed"),  # a NUL, as anywhere
    }


@pytest.mark.parametrize(
    ("holder", "friends"),
    [("user", 404), ("address", 429), ("client", 429)],
)
async def test_guesses_are_few_by_user_by_address_and_in_all(
    mithril_database: str, clock: SteppingClock, holder: str, friends: int
) -> None:
    few = {f"limit_device_{holder}": Limit(3, 600)}
    async with an_api(mithril_database, clock, **few) as api:
        world = await a_client(api, **ALLOWED)
        friend = replace(world, user_id=(await a_world(api.deps)).user_id)
        session, other = await a_session(api, world), await a_session(api, friend)

        told = [(await say(api, session, "BCDF-GHJK")).status for _ in range(4)]
        by_friend = await say(api, other, "BCDF-GHJK")

    assert told == [404, 404, 404, 429]
    assert by_friend.status == friends


async def test_a_user_allows_no_more_than_they_may(api: Api) -> None:
    world = await a_client(api, **ALLOWED)
    told = await begun(api, world)
    u = tables.user_roles
    async with api.deps.db.begin() as conn:
        await conn.execute(u.delete().where(u.c.user_id == world.user_id))

    answer = await say(api, await a_session(api, world), told["user_code"], "allow")

    assert answer.status == 422
    still = await poll(api, world, told["device_code"])
    assert still.refusal == (400, "authorization_pending")
