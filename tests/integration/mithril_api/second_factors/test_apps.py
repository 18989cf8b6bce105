"""Authenticator apps (RFC 6238): set up, used once a step, sealed at rest."""

import asyncio
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from services.mithril_api.actions.reseal_secrets import Resealed, reseal_secrets
from shared.models.schema import mithril as tables
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import bearer, events_of, log_in
from tests.integration.mithril_api.second_factors.steps import (
    Phones,
    phones_of,
    refused,
    wrong,
)
from tests.races import until_waiting

INVALID = (401, "otp_invalid", "Invalid OTP code.")
OLD, NEW = "old-key-for-tests-01234567", "new-key-for-tests-01234567"


async def sealed_secret(phones: Phones) -> bytes | None:
    query = select(tables.authentication_factors.c.secret_sealed)
    async with phones.api.deps.db.begin() as conn:
        sealed: bytes | None = (await conn.execute(query)).scalar_one()
        return sealed


async def test_an_app_is_told_its_secret_once_and_then_gives_codes(phones: Phones) -> None:
    session = await phones.session()
    status, begun = await phones.init(session, "TOTP", name="telephone")
    told = begun["urgent"]["totp"]
    app = pyotp.parse_uri(told["uri"])
    assert isinstance(app, pyotp.TOTP)
    assert (status, app.secret, len(told["secret"])) == (201, told["secret"], 32)
    assert (app.name, app.issuer) == (phones.world.email, "Mithril")
    code = app.at(phones.api.clock.now())

    status, body = await phones.approve(begun["data"]["value"], otp=code)

    assert (status, body["data"]["details"]["amr"]) == (201, ["otp", "pwd"])
    phones.api.clock.advance(timedelta(seconds=30))
    _, asked = await log_in(phones.api, phones.world)
    (known,) = asked["urgent"]["factors"]
    assert asked["urgent"]["next_step"] == "REQUEST_OTP"
    assert (known["type"], known["name"]) == ("TOTP", "telephone")
    code = app.at(phones.api.clock.now())
    status, body = await phones.authorize(asked["data"]["value"], int(code))
    assert (status, body["data"]["details"]["amr"]) == (201, ["otp", "pwd"])
    assert phones.gateway.taken == []


async def test_a_wrong_first_code_sets_nothing_up_and_locks_nobody(phones: Phones) -> None:
    _, begun = await phones.init(await phones.session(), "TOTP")
    app = pyotp.TOTP(begun["urgent"]["totp"]["secret"])
    code = app.at(phones.api.clock.now())

    for _ in range(4):
        answer = await phones.approve(begun["data"]["value"], otp=wrong(code))
        assert refused(answer) == INVALID

    assert (await phones.approve(begun["data"]["value"], otp=code))[0] == 201


async def test_the_code_that_set_it_up_signs_nobody_in(phones: Phones) -> None:
    app = await phones.an_app(await phones.session())
    token = await phones.pending()

    spent = app.at(phones.api.clock.now() - timedelta(seconds=30))

    assert refused(await phones.authorize(token, spent)) == INVALID


async def test_a_code_is_accepted_once(phones: Phones) -> None:
    app = await phones.an_app(await phones.session())
    code = app.at(phones.api.clock.now())
    assert (await phones.authorize(await phones.pending(), code))[0] == 201

    assert refused(await phones.authorize(await phones.pending(), code)) == INVALID


async def test_a_code_shown_in_two_sign_ins_at_once_completes_one(phones: Phones) -> None:
    app = await phones.an_app(await phones.session())
    token, code = await phones.pending(), app.at(phones.api.clock.now())
    async with phones.api.deps.db.begin() as conn:
        await conn.execute(tables.users.select().with_for_update())
        tabs = [asyncio.create_task(phones.authorize(token, code)) for _ in range(2)]
        await until_waiting(phones.api.deps, 2)

    answers = await asyncio.gather(*tabs)

    assert sorted(status for status, _ in answers) == [201, 401]


@pytest.mark.parametrize(
    ("seconds", "status"), [(-60, 401), (-30, 401), (0, 201), (30, 201), (60, 401)]
)
async def test_a_clock_may_be_off_by_a_step(
    phones: Phones, seconds: int, status: int
) -> None:
    """The step before is the one that set the app up here, so it is spent."""
    app = await phones.an_app(await phones.session())
    token = await phones.pending()
    code = app.at(phones.api.clock.now() + timedelta(seconds=seconds))

    assert (await phones.authorize(token, code))[0] == status


async def test_a_clock_that_went_back_lets_no_code_in_twice(phones: Phones) -> None:
    app = await phones.an_app(await phones.session())
    code = app.at(phones.api.clock.now())
    assert (await phones.authorize(await phones.pending(), code))[0] == 201
    phones.api.clock.advance(timedelta(seconds=-30))

    assert refused(await phones.authorize(await phones.pending(), code)) == INVALID


async def test_guesses_lock_it_like_any_code(phones: Phones) -> None:
    app = await phones.an_app(await phones.session())
    token, code = await phones.pending(), app.at(phones.api.clock.now())
    for _ in range(3):
        assert refused(await phones.authorize(token, wrong(code))) == INVALID

    answer = await phones.authorize(token, code)

    assert refused(answer) == (401, "user_blocked", "User blocked.")


async def test_beside_a_phone_it_has_to_be_named(phones: Phones) -> None:
    await phones.a_factor()
    app = await phones.an_app(await phones.by_sms())
    _, asked = await log_in(phones.api, phones.world)
    factors = {item["type"]: item["id"] for item in asked["urgent"]["factors"]}
    assert asked["urgent"]["factor_id"] == factors["SMS"]
    token = asked["data"]["value"]
    code = app.at(phones.api.clock.now())
    assert (await phones.resend(token, factor_id=factors["TOTP"]))[0] == 409

    status, _ = await phones.authorize(token, code, factor_id=factors["TOTP"])

    assert status == 201


async def test_the_secret_is_sealed_and_told_to_nobody(phones: Phones) -> None:
    app = await phones.an_app(await phones.session())
    sealed = await sealed_secret(phones)

    assert sealed is not None
    assert app.byte_secret() not in sealed
    assert app.secret not in repr(await events_of(phones.api))
    path = f"/admin/users/{phones.world.user_id}/authentication_factors"
    response = await phones.api.internal.get(path)
    (listed,) = (await response.json())["data"]
    assert (listed["type"], listed["factor"]) == ("TOTP", None)
    assert app.secret not in await response.text()
    assert sealed.hex() not in await response.text()


async def test_a_key_can_be_replaced(mithril_database: str, clock: SteppingClock) -> None:
    async with phones_of(mithril_database, clock, secret_keys=(OLD,)) as phones:
        app = await phones.an_app(await phones.session())
        token = await phones.pending()
        before = await sealed_secret(phones)
    async with phones_of(mithril_database, clock, secret_keys=(NEW, OLD)) as phones:
        assert await reseal_secrets(phones.api.deps) == Resealed(renewed=1)
        assert await reseal_secrets(phones.api.deps) == Resealed(present=1)
        assert await sealed_secret(phones) != before
    async with phones_of(mithril_database, clock, secret_keys=(NEW,)) as phones:
        assert (await phones.authorize(token, app.at(clock.now())))[0] == 201


async def test_a_secret_is_sealed_anew_when_it_is_used(
    mithril_database: str, clock: SteppingClock
) -> None:
    async with phones_of(mithril_database, clock, secret_keys=(OLD,)) as phones:
        app = await phones.an_app(await phones.session())
        token = await phones.pending()
    async with phones_of(mithril_database, clock, secret_keys=(NEW, OLD)) as phones:
        assert (await phones.authorize(token, app.at(clock.now())))[0] == 201
        assert await reseal_secrets(phones.api.deps) == Resealed(present=1)


async def test_a_key_that_is_gone_takes_the_app_with_it_and_nothing_else(
    mithril_database: str, clock: SteppingClock
) -> None:
    async with phones_of(mithril_database, clock, secret_keys=(OLD,)) as phones:
        app = await phones.an_app(await phones.session())
        token = await phones.pending()
    async with phones_of(mithril_database, clock, secret_keys=(NEW,)) as phones:
        answer = await phones.authorize(token, app.at(clock.now()))

        assert refused(answer) == (409, "request_conflict", "Factor not set")
        assert await reseal_secrets(phones.api.deps) == Resealed(lost=1)
        response = await phones.api.public.get("/oauth/user", headers=bearer(token))
        assert response.status == 401
