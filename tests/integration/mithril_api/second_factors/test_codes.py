"""Codes by SMS at a sign-in: the contract, order of checks, guesses, limits (spec §3.7, §3.8)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.mithril_api.actions.authorize_2fa import CodeShown, authorize_2fa
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import (
    a_session,
    authorize,
    bearer,
    events_of,
    execute,
    live_tokens,
    log_in,
    verify,
)
from tests.integration.mithril_api.second_factors.steps import (
    NUMBER,
    OTHER_NUMBER,
    Phones,
    phones_of,
    refused,
    wrong,
)
from tests.races import until_waiting

INVALID = (401, "otp_invalid", "Invalid OTP code.")
EXPIRED = (401, "otp_expired", "OTP expired.")
TOO_OFTEN = (401, "otp_reached_max_attempts", "Reached max OTP verify attempts")
BLOCKED = (401, "user_blocked", "User blocked.")
TIMEOUT = (429, "otp_timeout", "Sending OTP timeout. Try later.")
NOT_SENT = (503, "internal_error", "SMS not sent. Try later")
OVER = (401, "token_expired", "Token expired.")


def of_user(phones: Phones, **values: Any) -> Any:
    mine = tables.users.c.id == phones.world.user_id
    return update(tables.users).where(mine).values(values)


async def test_a_sign_in_sends_a_code_at_once_and_says_which_factors_will_do(
    phones: Phones,
) -> None:
    factor_id = await phones.a_factor()

    status, body = await log_in(phones.api, phones.world)

    known = {"id": factor_id, "type": "SMS", "factor": "+38067*****01", "name": None}
    assert (status, body["urgent"]) == (
        201,
        {"next_step": "REQUEST_OTP", "factors": [known], "factor_id": factor_id},
    )
    (message,) = phones.gateway.taken
    code = phones.gateway.code()
    assert (message["phone_number"], message["type"]) == (NUMBER, "2FA")
    assert message["body"] == f"Код підтвердження: {code}"
    assert len(code) == 6


CHANGE = {"grant_type": "change_password", "scope": "user:change_password"}


@pytest.mark.parametrize(
    ("asked", "number", "next_step"),
    [
        ({}, NUMBER, "REQUEST_OTP"),
        ({}, None, "REQUEST_FACTOR"),
        ({}, "", "REQUEST_FACTOR"),
        (CHANGE, NUMBER, "REQUEST_OTP"),
    ],
)
async def test_with_a_second_factor_the_token_authorises_nothing_yet(
    phones: Phones, asked: dict[str, Any], number: str | None, next_step: str
) -> None:
    api, world = phones.api, phones.world
    await phones.a_factor(factor=number)

    status, body = await log_in(api, world, **asked)

    assert (status, body["urgent"]["next_step"]) == (201, next_step)
    assert (body["data"]["name"], body["data"]["details"]) == (
        "2fa_access_token",
        {
            "client_id": str(world.client_id),
            "grant_type": asked.get("grant_type", "password"),
            "scope": "",
            "scope_request": asked.get("scope", "app:authorize"),
            "amr": ["pwd"],
            "auth_time": int(api.clock.now().timestamp()),
        },
    )
    value = body["data"]["value"]
    assert await verify(api, value) == 404
    assert (await authorize(api, world, value))[0] == 401
    assert [kind for kind, _ in await events_of(api)] == ["mithril.token.issued.v1"]


async def test_the_right_code_gives_the_session_that_was_asked_for(phones: Phones) -> None:
    await phones.a_factor()
    token = await phones.pending(scope="app:authorize user:read")

    status, body = await phones.authorize(token, phones.gateway.code())

    now = phones.api.clock.now()
    assert (status, body["urgent"]) == (201, {"next_step": "REQUEST_APPS"})
    assert body["data"]["name"] == "access_token"
    assert body["data"]["details"] == {
        "client_id": str(phones.world.client_id),
        "grant_type": "password",
        "scope": "app:authorize user:read",
        "amr": ["pwd", "sms"],
        "auth_time": int(now.timestamp()),
    }
    session = body["data"]["value"]
    assert await verify(phones.api, session) == 200
    assert (await authorize(phones.api, phones.world, session))[0] == 201
    assert await phones.codes() == [("VERIFIED", 0)]


async def test_a_code_may_come_as_a_number_that_lost_its_zeros(
    mithril_database: str, clock: SteppingClock
) -> None:
    async with phones_of(mithril_database, clock, otp_length=4) as phones:
        await phones.a_factor()
        for _ in range(3):
            token = await phones.pending()
            code = int(phones.gateway.code())
            assert (await phones.authorize(token, code))[0] == 201


async def test_a_change_of_password_needs_the_code_too(phones: Phones) -> None:
    await phones.a_factor()
    token = await phones.pending(**CHANGE)

    status, body = await phones.authorize(token, phones.gateway.code())

    assert (status, body["data"]["name"]) == (201, "change_password_token")
    assert body["data"]["details"]["scope"] == "user:change_password"
    assert await live_tokens(phones.api, phones.world.user_id) == [
        "change_password_token",
        "refresh_token",
    ]


@pytest.mark.parametrize("otp", [..., None, "", True, -1, 1.5, "12a456", "1" * 11, [1]])
async def test_what_is_no_code_is_named(phones: Phones, otp: object) -> None:
    status, body = await phones.authorize("whatever", otp)

    assert (status, body["error"]["type"]) == (422, "validation_failed")
    assert [item["entry"] for item in body["error"]["invalid"]] == ["$.otp"]


async def test_the_order_of_checks(phones: Phones) -> None:
    api, world = phones.api, phones.world
    token = {"grant_type": "authorize_2fa_access_token", "otp": 123456}
    response = await api.public.post("/auth/login", json={"token": token})
    assert refused((response.status, await response.json())) == (
        401,
        "access_denied",
        "Authorization header required.",
    )
    assert refused(await phones.authorize("unknown", 1)) == (
        401,
        "token_invalid",
        "Invalid token.",
    )
    session = await a_session(api, world, scope="app:authorize")
    wrong_kind = (401, "access_denied", "Invalid token type")
    assert refused(await phones.authorize(session.value, 1)) == wrong_kind
    pending = await a_session(api, world, TokenName.SECOND_FACTOR, scope="")
    none = (409, "request_conflict", "Not found authentication factor for user.")
    assert refused(await phones.authorize(pending.value, 1)) == none
    assert refused(await phones.resend(pending.value)) == none
    await phones.a_factor(factor=None)
    unset = (409, "request_conflict", "Factor not set")
    assert refused(await phones.authorize(pending.value, 1)) == unset
    assert refused(await phones.resend(pending.value)) == unset
    nobody = str(api.deps.entropy.uuid())
    assert refused(await phones.authorize(pending.value, 1, factor_id=nobody)) == none
    api.clock.advance(timedelta(hours=1))
    assert refused(await phones.authorize(pending.value, 1)) == OVER
    await execute(api, of_user(phones, is_blocked=True))
    assert refused(await phones.authorize(pending.value, 1)) == BLOCKED


async def test_a_factor_without_a_number_has_to_be_set_up(phones: Phones) -> None:
    await phones.a_factor(factor=None)

    _, body = await log_in(phones.api, phones.world)

    assert body["urgent"] == {
        "next_step": "REQUEST_FACTOR",
        "factors": [],
        "factor_id": None,
    }
    assert phones.gateway.taken == []


async def test_a_code_serves_once(phones: Phones) -> None:
    await phones.a_factor()
    token = await phones.pending()
    code = phones.gateway.code()
    await phones.authorize(token, code)

    assert refused(await phones.authorize(token, code)) == OVER


async def test_a_code_entered_in_two_tabs_at_once_gives_one_session(phones: Phones) -> None:
    await phones.a_factor()
    token = await phones.pending()
    code = phones.gateway.code()
    api = phones.api
    async with api.deps.db.begin() as conn:
        mine = tables.users.c.id == phones.world.user_id
        await conn.execute(tables.users.select().where(mine).with_for_update())
        tabs = [asyncio.create_task(phones.authorize(token, code)) for _ in range(2)]
        await until_waiting(api.deps, 2)

    answers = await asyncio.gather(*tabs)

    assert sorted(status for status, _ in answers) == [201, 401]
    late = next(answer for answer in answers if answer[0] == 401)
    assert refused(late) == OVER
    assert (await live_tokens(api, phones.world.user_id)).count("access_token") == 1


async def test_a_code_is_no_good_for_another_sign_in(phones: Phones) -> None:
    await phones.a_factor()
    await phones.pending()
    former = phones.gateway.code()
    token = await phones.pending()
    assert former != phones.gateway.code()

    assert refused(await phones.authorize(token, former)) == INVALID


async def test_a_code_is_no_good_for_another_number(phones: Phones) -> None:
    factor_id = await phones.a_factor()
    token = await phones.pending()
    f = tables.authentication_factors
    moved = update(f).where(f.c.id == factor_id).values(factor=OTHER_NUMBER)
    await execute(phones.api, moved)

    assert refused(await phones.authorize(token, phones.gateway.code())) == EXPIRED


async def test_a_code_ends_on_the_dot_and_costs_no_guess(phones: Phones) -> None:
    await phones.a_factor()
    token = await phones.pending()
    phones.api.clock.advance(timedelta(seconds=300))

    for _ in range(5):
        assert refused(await phones.authorize(token, phones.gateway.code())) == EXPIRED
    assert await phones.codes() == [("EXPIRED", 0)]


@pytest.mark.parametrize("status", ["EXPIRED", "CANCELED", "VERIFIED", "COMPLETED"])
async def test_a_stale_code_is_no_fault_of_ours(phones: Phones, status: str) -> None:
    await phones.a_factor()
    token = await phones.pending()
    await execute(phones.api, update(tables.one_time_codes).values(status=status))

    assert refused(await phones.authorize(token, phones.gateway.code())) == EXPIRED


async def test_a_code_may_be_tried_so_often_and_no_more(
    mithril_database: str, clock: SteppingClock
) -> None:
    async with phones_of(mithril_database, clock, user_otp_error_max=100) as phones:
        await phones.a_factor()
        token = await phones.pending()
        code = phones.gateway.code()

        for _ in range(3):
            assert refused(await phones.authorize(token, wrong(code))) == INVALID
        assert refused(await phones.authorize(token, code)) == TOO_OFTEN
        assert refused(await phones.authorize(token, code)) == TOO_OFTEN
        assert await phones.codes() == [("UNVERIFIED", 3)]


async def test_a_thousand_guesses_at_once_are_three(
    mithril_database: str, clock: SteppingClock
) -> None:
    but = {"user_otp_error_max": 10_000, "db_pool_size": 12}
    async with phones_of(mithril_database, clock, **but) as phones:
        await phones.a_factor()
        token = await phones.pending()
        code, deps = phones.gateway.code(), phones.api.deps
        guess = CodeShown(bearer=token, code=wrong(code))
        async with deps.db.begin() as conn:
            await conn.execute(tables.users.select().with_for_update())
            guesses = [asyncio.create_task(authorize_2fa(deps, guess)) for _ in range(1000)]
            await until_waiting(deps, 6)  # as many as the gate lets in

        answers = await asyncio.gather(*guesses)

        assert answers.count(Refused(Reason.OTP_INVALID)) == 3
        assert answers.count(Refused(Reason.OTP_ATTEMPTS)) == 997
        assert refused(await phones.authorize(token, code)) == TOO_OFTEN
        assert await phones.codes() == [("UNVERIFIED", 3)]


class TestLocks:
    async def locked(self, phones: Phones) -> str:
        token = await phones.pending()
        for _ in range(3):
            answer = await phones.authorize(token, wrong(phones.gateway.code()))
            assert refused(answer) == INVALID
        return token

    async def test_too_many_wrong_codes_lock_codes_for_a_while(
        self, phones: Phones
    ) -> None:
        await phones.a_factor()
        token = await self.locked(phones)

        answer = await phones.authorize(token, phones.gateway.code())

        assert (refused(answer), answer[1]["retry_after"]) == (BLOCKED, 900)
        assert refused(await phones.resend(token)) == BLOCKED
        assert refused(await log_in(phones.api, phones.world)) == BLOCKED
        assert len(phones.gateway.taken) == 1
        wrong_password = await log_in(phones.api, phones.world, password="no")
        assert wrong_password[1]["error"]["type"] == "access_denied"

    async def test_a_lock_ends_by_itself_and_the_next_lasts_longer(
        self, phones: Phones
    ) -> None:
        await phones.a_factor()
        await self.locked(phones)
        phones.api.clock.advance(timedelta(seconds=900))
        token = await self.locked(phones)

        answer = await phones.authorize(token, phones.gateway.code())

        assert (refused(answer), answer[1]["retry_after"]) == (BLOCKED, 1800)
        phones.api.clock.advance(timedelta(seconds=1800))
        await phones.by_sms()
        token = await self.locked(phones)
        answer = await phones.authorize(token, phones.gateway.code())
        assert answer[1]["retry_after"] == 900

    async def test_a_right_code_forgives_the_wrong_ones_before_it(
        self, phones: Phones
    ) -> None:
        await phones.a_factor()
        for _ in range(3):
            token = await phones.pending()
            await phones.authorize(token, wrong(phones.gateway.code()))
            await phones.authorize(token, wrong(phones.gateway.code()))
            assert (await phones.authorize(token, phones.gateway.code()))[0] == 201
            phones.api.clock.advance(timedelta(minutes=1))

    async def test_a_lock_ends_no_session(self, phones: Phones) -> None:
        await phones.a_factor()
        session = await phones.by_sms()
        _, begun = await phones.init(session)
        setup = begun["data"]["value"]
        for _ in range(3):
            answer = await phones.approve(setup, otp=wrong(phones.gateway.code()))
            assert refused(answer) == INVALID

        answer = await phones.approve(setup, otp=phones.gateway.code())

        assert refused(answer) == BLOCKED
        assert await verify(phones.api, session) == 200

    async def test_an_operator_may_end_it(self, phones: Phones) -> None:
        await phones.a_factor()
        await self.locked(phones)
        path = f"/admin/users/{phones.world.user_id}/actions"
        await phones.api.internal.patch(f"{path}/block", json={"user": {}})
        await phones.api.internal.patch(f"{path}/unblock", json={"user": {}})

        await phones.by_sms()

    async def test_it_is_published(self, phones: Phones) -> None:
        await phones.a_factor()
        await self.locked(phones)

        events = await events_of(phones.api)

        until = phones.api.clock.now() + timedelta(seconds=900)
        assert (
            "mithril.user.factor-locked.v1",
            {"user_id": str(phones.world.user_id), "until": until.isoformat()},
        ) in events
        failed = [data for kind, data in events if kind == "mithril.login.failed.v1"]
        assert [item["reason"] for item in failed] == ["otp_invalid"] * 3


class TestSending:
    async def test_codes_are_sent_so_often_and_no_more(self, phones: Phones) -> None:
        await phones.a_factor()
        token = await phones.pending()
        phones.api.clock.advance(timedelta(seconds=20))
        for _ in range(2):
            _, body = await phones.resend(token)
            token = body["data"]["value"]

        answer = await phones.resend(token)

        assert (refused(answer), answer[1]["retry_after"]) == (TIMEOUT, 40)
        assert refused(await log_in(phones.api, phones.world)) == TIMEOUT
        assert len(phones.gateway.taken) == 3
        # Nothing is half done: the latest code still works.
        assert (await phones.authorize(token, phones.gateway.code()))[0] == 201
        phones.api.clock.advance(timedelta(seconds=40))
        assert (await log_in(phones.api, phones.world))[0] == 201

    async def test_of_many_at_once_no_more_are_sent(self, phones: Phones) -> None:
        await phones.a_factor()

        answers = await asyncio.gather(
            *(log_in(phones.api, phones.world) for _ in range(12))
        )

        assert sorted(status for status, _ in answers) == [201] * 3 + [429] * 9
        assert len(phones.gateway.taken) == 3
        kept = await live_tokens(phones.api, phones.world.user_id)
        assert kept.count("2fa_access_token") == 1

    async def test_a_new_code_is_for_a_token_that_takes_the_place_of_the_former(
        self, phones: Phones
    ) -> None:
        factor_id = await phones.a_factor()
        token = await phones.pending()
        former = phones.gateway.code()
        phones.api.clock.advance(timedelta(minutes=2))

        status, body = await phones.resend(token, factor_id=factor_id)

        assert (status, body["data"]["name"]) == (201, "2fa_access_token")
        assert body["urgent"]["next_step"] == "REQUEST_OTP"
        assert body["urgent"]["factor_id"] == factor_id
        made = phones.api.clock.now() - timedelta(minutes=2)
        assert body["data"]["expires_at"] == int(made.timestamp()) + 3600
        assert refused(await phones.authorize(token, former)) == OVER
        fresh = body["data"]["value"]
        assert (await phones.authorize(fresh, phones.gateway.code()))[0] == 201

    async def test_a_gateway_that_is_away_leaves_nothing_half_done(
        self, phones: Phones
    ) -> None:
        await phones.a_factor()
        session = await phones.by_sms()
        phones.gateway.status = 500

        assert refused(await log_in(phones.api, phones.world)) == NOT_SENT

        assert await verify(phones.api, session) == 200
        kept = await live_tokens(phones.api, phones.world.user_id)
        assert "2fa_access_token" not in kept
        assert await phones.codes() == [("VERIFIED", 0), ("CANCELED", 0)]
        last = (await events_of(phones.api))[-1]
        assert (last[0], last[1]["reason"]) == ("mithril.login.failed.v1", "sms_not_sent")

    async def test_a_resend_that_fails_leaves_the_former_code(self, phones: Phones) -> None:
        await phones.a_factor()
        token = await phones.pending()
        code = phones.gateway.code()
        phones.gateway.status = 500

        assert refused(await phones.resend(token)) == NOT_SENT

        assert (await phones.authorize(token, code))[0] == 201

    async def test_no_gateway_is_one_that_is_away(
        self, mithril_database: str, clock: SteppingClock
    ) -> None:
        async with phones_of(mithril_database, clock, otp_endpoint=None) as phones:
            await phones.a_factor()

            assert refused(await log_in(phones.api, phones.world)) == NOT_SENT

    async def test_switched_off_it_sends_nothing_and_says_it_did(
        self, mithril_database: str, clock: SteppingClock
    ) -> None:
        async with phones_of(mithril_database, clock, sms_enabled=False) as phones:
            await phones.a_factor()

            await phones.pending()

            assert phones.gateway.taken == []

    async def test_a_block_while_the_code_is_on_its_way_is_seen(
        self, phones: Phones
    ) -> None:
        await phones.a_factor()
        api = phones.api

        async def block(body: dict[str, Any]) -> None:
            await execute(api, of_user(phones, is_blocked=True))

        phones.gateway.meanwhile = block

        assert refused(await log_in(api, phones.world)) == BLOCKED

        assert await phones.codes() == [("CANCELED", 0)]
        kept = await live_tokens(api, phones.world.user_id)
        assert "2fa_access_token" not in kept

    async def test_a_template_without_a_place_is_the_bare_code(
        self, mithril_database: str, clock: SteppingClock
    ) -> None:
        settings = {"otp_sms_template": "nothing", "otp_length": 8}
        async with phones_of(mithril_database, clock, **settings) as phones:
            await phones.a_factor()
            token = await phones.pending()

            body = phones.gateway.taken[0]["body"]
            assert body.isdigit()
            assert len(body) == 8
            assert (await phones.authorize(token, body))[0] == 201


async def test_codes_are_digests_at_rest_and_shown_to_nobody(phones: Phones) -> None:
    await phones.a_factor()
    token = await phones.pending()
    code = phones.gateway.code()

    response = await phones.api.internal.get("/admin/otps")
    listed = await response.text()
    async with phones.api.deps.db.begin() as conn:
        (row,) = (await conn.execute(tables.one_time_codes.select())).all()

    assert f'"{code}"' not in listed
    assert NUMBER not in listed
    assert row.key.endswith(f"==={NUMBER}")
    assert len(row.code_digest) == 32
    assert code.encode() not in row.code_digest
    assert code not in repr(await events_of(phones.api))
    assert (await phones.authorize(token, code))[0] == 201


async def test_a_former_key_still_knows_its_codes(
    mithril_database: str, clock: SteppingClock
) -> None:
    old, new = "old-key-for-tests-01234567", "new-key-for-tests-01234567"
    async with phones_of(mithril_database, clock, secret_keys=(old,)) as phones:
        await phones.a_factor()
        token = await phones.pending()
        code = phones.gateway.code()
    async with phones_of(mithril_database, clock, secret_keys=(new, old)) as phones:
        response = await phones.api.public.post(
            "/auth/login",
            json={"token": {"grant_type": "authorize_2fa_access_token", "otp": code}},
            headers=bearer(token),
        )

        assert response.status == 201
