"""Setting up, changing and removing one's own factors (spec §1.3 O5, O6; weakness W11)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import (
    a_session,
    authorize,
    events_of,
    exchange,
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

STEP_UP = (403, "forbidden", "Step-up authentication required")
WRONG_KIND = (401, "token_invalid_type", "Invalid token type.")
NOT_BEGUN = (401, "access_denied", "Invalid token type. Init factor at first")
NOT_SENT = (503, "internal_error", "SMS not sent. Try later")


async def number_of(phones: Phones) -> str | None:
    f = tables.authentication_factors
    query = select(f.c.factor).where(f.c.user_id == phones.world.user_id, f.c.type == "SMS")
    async with phones.api.deps.db.begin() as conn:
        return (await conn.execute(query)).scalar_one_or_none()


def change_of(kind: str, change: str, events: list[tuple[str, dict[str, Any]]]) -> bool:
    return any(
        name == "mithril.user.factor-changed.v1"
        and (data["factor_type"], data["change"]) == (kind, change)
        for name, data in events
    )


class TestTheFirst:
    async def test_is_set_up_with_the_token_of_the_password(self, phones: Phones) -> None:
        await phones.a_factor(factor=None)
        token = await phones.pending(scope="app:authorize user:read")

        status, begun = await phones.init(token)

        assert (status, begun["urgent"]) == (201, {"next_step": "APPROVE_FACTOR"})
        assert set(begun["data"]) == {"id", "name", "value", "expires_at", "user_id"}
        assert begun["data"]["name"] == "2fa_access_token"
        (message,) = phones.gateway.taken
        assert message["phone_number"] == OTHER_NUMBER
        status, body = await phones.approve(
            begun["data"]["value"], otp=int(phones.gateway.code())
        )
        assert (status, body["urgent"]) == (201, {"next_step": "REQUEST_APPS"})
        assert body["data"]["details"] == {
            "client_id": str(phones.world.client_id),
            "grant_type": "password",
            "scope": "app:authorize user:read",
            "amr": ["pwd", "sms"],
            "auth_time": int(phones.api.clock.now().timestamp()),
        }
        assert await number_of(phones) == OTHER_NUMBER
        assert await verify(phones.api, body["data"]["value"]) == 200
        assert change_of("SMS", "changed", await events_of(phones.api))
        assert len(phones.gateway.taken) == 1  # there is no former number to tell

    async def test_serves_a_change_of_password_too(self, phones: Phones) -> None:
        await phones.a_factor(factor=None)
        asked = {"grant_type": "change_password", "scope": "user:change_password"}
        _, begun = await phones.init(await phones.pending(**asked))

        _, body = await phones.approve(begun["data"]["value"], otp=phones.gateway.code())

        assert body["data"]["name"] == "change_password_token"

    async def test_may_be_added_within_a_session_that_a_password_gave(
        self, phones: Phones
    ) -> None:
        session = await phones.session()

        _, begun = await phones.init(session)
        status, _ = await phones.approve(begun["data"]["value"], otp=phones.gateway.code())

        assert status == 201
        assert change_of("SMS", "created", await events_of(phones.api))
        assert (await log_in(phones.api, phones.world))[1]["urgent"]["next_step"] == (
            "REQUEST_OTP"
        )

    async def test_is_no_longer_the_first_once_there_is_another(
        self, phones: Phones
    ) -> None:
        await phones.a_factor(factor=None)
        _, begun = await phones.init(await phones.pending())
        f = tables.authentication_factors
        await execute(phones.api, update(f).values(factor=NUMBER))

        answer = await phones.approve(begun["data"]["value"], otp=phones.gateway.code())

        assert refused(answer) == WRONG_KIND
        assert await number_of(phones) == NUMBER


class TestAChange:
    async def test_needs_more_than_a_password(self, phones: Phones) -> None:
        await phones.a_factor()
        token = await phones.pending()

        for kind in ("SMS", "TOTP", "WEBAUTHN"):
            assert refused(await phones.init(token, kind)) == WRONG_KIND

    async def test_is_told_to_the_former_number(self, phones: Phones) -> None:
        await phones.a_factor()
        session = await phones.by_sms()
        _, begun = await phones.init(session)

        status, body = await phones.approve(
            begun["data"]["value"], otp=phones.gateway.code()
        )

        assert (status, body["data"]["details"]["amr"]) == (201, ["pwd", "sms"])
        assert await number_of(phones) == OTHER_NUMBER
        told = phones.gateway.taken[-1]
        assert told["phone_number"] == NUMBER
        assert "+38067*****02" in told["body"]
        assert OTHER_NUMBER not in told["body"]
        assert await live_tokens(phones.api, phones.world.user_id) == [
            "access_token",
            "refresh_token",
        ]
        assert await verify(phones.api, session) == 401

    async def test_ends_no_session_before_it_is_done(self, phones: Phones) -> None:
        await phones.a_factor()
        session = await phones.by_sms()
        await phones.init(session)

        assert await verify(phones.api, session) == 200
        assert await number_of(phones) == NUMBER

    async def test_keeps_the_scope_that_the_session_had(self, phones: Phones) -> None:
        await phones.a_factor()
        token = await phones.pending(scope="user:read")
        _, body = await phones.authorize(token, phones.gateway.code())
        _, begun = await phones.init(body["data"]["value"])

        _, body = await phones.approve(begun["data"]["value"], otp=phones.gateway.code())

        assert body["data"]["details"]["scope"] == "user:read"

    async def test_needs_a_fresh_sign_in(self, phones: Phones) -> None:
        factor_id = await phones.a_factor()
        session = await phones.by_sms()
        phones.api.clock.advance(timedelta(seconds=601))

        assert refused(await phones.init(session)) == STEP_UP
        assert refused(await phones.init(session, "TOTP")) == STEP_UP
        status, body = await phones.remove(session, factor_id)
        assert (status, body["error"]["message"]) == (STEP_UP[0], STEP_UP[2])

    async def test_is_nothing_a_client_of_ours_may_begin(self, phones: Phones) -> None:
        await phones.a_factor()
        session = await phones.by_sms()
        _, body = await authorize(phones.api, phones.world, session)
        _, body = await exchange(phones.api, phones.world, body["data"]["value"])
        api_token = body["data"]["value"]

        assert refused(await phones.init(api_token)) == STEP_UP
        assert refused(await phones.factors(api_token)) == WRONG_KIND

    async def test_is_nothing_a_session_without_the_factor_may_begin(
        self, phones: Phones
    ) -> None:
        session = await phones.session()
        await phones.a_factor()
        given = await a_session(phones.api, phones.world, scope="app:authorize")

        assert refused(await phones.init(session)) == STEP_UP
        assert refused(await phones.init(given.value)) == STEP_UP

    async def test_may_be_begun_again_with_another_number(self, phones: Phones) -> None:
        await phones.a_factor()
        _, begun = await phones.init(await phones.by_sms(), factor="+380670000009")

        _, again = await phones.init(begun["data"]["value"])
        status, _ = await phones.approve(again["data"]["value"], otp=phones.gateway.code())

        assert (status, await number_of(phones)) == (201, OTHER_NUMBER)

    async def test_leaves_everything_as_it_was_when_no_code_can_be_sent(
        self, phones: Phones
    ) -> None:
        await phones.a_factor()
        session = await phones.by_sms()
        before = await live_tokens(phones.api, phones.world.user_id)
        phones.gateway.status = 500

        assert refused(await phones.init(session)) == NOT_SENT

        assert await live_tokens(phones.api, phones.world.user_id) == before

    async def test_is_done_even_where_the_former_number_cannot_be_told(
        self, phones: Phones
    ) -> None:
        await phones.a_factor()
        _, begun = await phones.init(await phones.by_sms())
        phones.gateway.status = 500

        status, _ = await phones.approve(begun["data"]["value"], otp=phones.gateway.code())

        assert (status, await number_of(phones)) == (201, OTHER_NUMBER)

    async def test_of_two_answers_at_once_one_counts(self, phones: Phones) -> None:
        await phones.a_factor(factor=None)
        _, begun = await phones.init(await phones.pending())
        setup, code = begun["data"]["value"], phones.gateway.code()
        async with phones.api.deps.db.begin() as conn:
            await conn.execute(tables.users.select().with_for_update())
            both = [asyncio.create_task(phones.approve(setup, otp=code)) for _ in range(2)]
            await until_waiting(phones.api.deps, 2)

        answers = await asyncio.gather(*both)

        assert sorted(status for status, _ in answers) == [201, 401]

    async def test_is_not_begun_by_a_wrong_code(self, phones: Phones) -> None:
        await phones.a_factor(factor=None)
        _, begun = await phones.init(await phones.pending())
        setup = begun["data"]["value"]

        answer = await phones.approve(setup, otp=wrong(phones.gateway.code()))

        assert refused(answer) == (401, "otp_invalid", "Invalid OTP code.")
        assert await number_of(phones) is None
        assert (await phones.approve(setup, otp=phones.gateway.code()))[0] == 201


class TestTheContract:
    @pytest.mark.parametrize("action", ["init_factor", "approve_factor"])
    async def test_a_bearer_is_needed(self, phones: Phones, action: str) -> None:
        path = f"/oauth/users/actions/{action}"
        response = await phones.api.public.post(path, json={"type": "SMS"})

        assert refused((response.status, await response.json())) == (
            401,
            "access_denied",
            "Authorization header required.",
        )

    async def test_what_is_wrong_with_the_token_is_told_first(self, phones: Phones) -> None:
        unknown = (401, "token_invalid", "Invalid token.")
        assert refused(await phones.init("unknown", "FAX")) == unknown
        assert refused(await phones.approve("unknown", otp=1)) == unknown
        session = await phones.session()
        phones.api.clock.advance(timedelta(hours=1))
        over = (401, "token_expired", "Token expired.")
        assert refused(await phones.init(session, "FAX")) == over
        assert refused(await phones.approve(session, otp=1)) == over

    @pytest.mark.parametrize(
        ("form", "fields"),
        [
            ({"type": "SMS"}, {"$.factor"}),
            ({"type": "FAX", "factor": OTHER_NUMBER}, {"$.type"}),
            ({"type": "SMS", "factor": "0671234567"}, {"$.factor"}),
            ({}, {"$.type"}),
            ({"type": "TOTP", "name": "n" * 65}, {"$.name"}),
        ],
    )
    async def test_unfit_fields_are_named(
        self, phones: Phones, form: dict[str, Any], fields: set[str]
    ) -> None:
        session = await phones.session()

        status, body = await phones.post("init_factor", form, session)

        assert (status, body["error"]["type"]) == (422, "validation_failed")
        assert {item["entry"] for item in body["error"]["invalid"]} == fields

    async def test_a_token_that_began_nothing_ends_nothing(self, phones: Phones) -> None:
        session = await phones.session()
        pending = await a_session(
            phones.api, phones.world, TokenName.SECOND_FACTOR, scope=""
        )

        assert refused(await phones.approve(session, otp=1)) == NOT_BEGUN
        assert refused(await phones.approve(pending.value, otp=1)) == NOT_BEGUN

    async def test_an_answer_must_be_one_to_the_question(self, phones: Phones) -> None:
        session = await phones.session()
        _, begun = await phones.init(session, "TOTP")

        for form in ({}, {"webauthn": {"id": "x"}}):
            status, body = await phones.approve(begun["data"]["value"], **form)
            assert (status, body["error"]["invalid"][0]["entry"]) == (422, "$.otp")

    async def test_what_an_operator_switched_off_stays_off(self, phones: Phones) -> None:
        await phones.a_factor(is_active=False)
        session = await phones.session()

        assert refused(await phones.init(session)) == (404, "not_found", None)

    async def test_a_blocked_user_sets_nothing_up(self, phones: Phones) -> None:
        session = await phones.session()
        await execute(phones.api, update(tables.users).values(is_blocked=True))

        blocked = (401, "user_blocked", "User blocked.")
        assert refused(await phones.init(session)) == blocked

    async def test_what_is_being_set_up_is_shown_to_no_operator(
        self, phones: Phones
    ) -> None:
        session = await phones.session()
        await phones.init(session)
        _, begun = await phones.init(session, "TOTP", name="of the clinic")

        response = await phones.api.internal.get("/admin/tokens")
        listed = await response.text()

        assert OTHER_NUMBER not in listed
        assert "request_authentication_factor" not in listed
        assert begun["urgent"]["totp"]["secret"] not in listed


class TestOnesOwn:
    async def test_are_listed_without_a_secret(self, phones: Phones) -> None:
        session = await phones.session()
        await phones.an_app(session, name="telephone")
        token = await phones.pending()
        app_id = (await log_in(phones.api, phones.world))[1]["urgent"]["factor_id"]
        del token

        session = (await a_fresh_session(phones)).value
        status, body = await phones.factors(session)

        (listed,) = body["data"]
        assert status == 200
        assert (listed["id"], listed["type"]) == (app_id, "TOTP")
        assert (listed["name"], listed["factor"]) == ("telephone", None)
        assert set(listed) == {
            *("id", "type", "name", "factor"),
            *("last_used_at", "inserted_at", "updated_at"),
        }

    async def test_the_last_one_cannot_be_removed(self, phones: Phones) -> None:
        factor_id = await phones.a_factor()
        session = await phones.by_sms()

        status, body = await phones.remove(session, factor_id)

        text = "the last authentication factor cannot be removed"
        assert (status, body["error"]["message"]) == (409, text)

    async def test_one_of_two_can_and_its_number_is_told(self, phones: Phones) -> None:
        factor_id = await phones.a_factor()
        await phones.an_app(await phones.by_sms())
        session = (await a_fresh_session(phones)).value

        status, _ = await phones.remove(session, factor_id)

        assert (status, await number_of(phones)) == (204, None)
        assert phones.gateway.taken[-1]["phone_number"] == NUMBER
        assert change_of("SMS", "removed", await events_of(phones.api))
        assert (await phones.remove(session, factor_id))[0] == 404

    async def test_somebody_elses_is_not_there(self, phones: Phones) -> None:
        await phones.a_factor()
        session = await phones.by_sms()
        nobody = str(phones.api.deps.entropy.uuid())

        assert (await phones.remove(session, nobody))[0] == 404
        assert (await phones.remove(session, "nonsense"))[0] == 400

    async def test_a_pending_sign_in_sees_and_removes_none(self, phones: Phones) -> None:
        factor_id = await phones.a_factor()
        token = await phones.pending()

        assert refused(await phones.factors(token)) == WRONG_KIND
        assert (await phones.remove(token, factor_id))[0] == 401


async def a_fresh_session(phones: Phones) -> Any:
    """A session as a sign-in with a second factor leaves it."""
    minted = await a_session(phones.api, phones.world, scope="app:authorize")
    details = {"amr": ["pwd", "sms"], "auth_time": int(phones.api.clock.now().timestamp())}
    mine = tables.tokens.c.id == minted.token.id
    await execute(phones.api, update(tables.tokens).where(mine).values(details=details))
    return minted


async def test_a_changed_factor_is_owed_a_mail(
    mithril_database: str, clock: SteppingClock
) -> None:
    mail = {"smtp_url": "smtp://127.0.0.1:1"}
    async with phones_of(mithril_database, clock, **mail) as phones:
        await phones.an_app(await phones.session())

        async with phones.api.deps.db.begin() as conn:
            (owed,) = (await conn.execute(select(tables.mails))).all()

        assert (owed.kind, owed.recipient) == ("factor_changed", phones.world.email)
        assert owed.details == {"kind": "TOTP", "change": "created"}
