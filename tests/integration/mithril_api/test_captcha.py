"""reCAPTCHA on sign-ins, where it is configured (spec §3.2 step 9, W20)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import Answered, a_clinic, events_of, log_in
from tests.integration.mithril_api.town import Town, a_town


@pytest.fixture
async def guarded(mithril_database: str, clock: SteppingClock) -> AsyncIterator[Town]:
    async with a_town(mithril_database, clock, recaptcha_secret="secret") as town:
        yield town


def refused(answered: Answered) -> tuple[int, Any]:
    status, body = answered
    return status, body.get("error")


def forbidden(message: str) -> tuple[int, Any]:
    return 403, {"type": "forbidden", "message": message}


async def test_with_a_good_answer_one_signs_in(guarded: Town) -> None:
    world = await a_clinic(guarded.deps)

    assert (await log_in(guarded, world, token="a person"))[0] == 201


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (..., "Invalid CAPTCHA token"),
        ("", "Invalid CAPTCHA token"),
        ("bad", "Invalid CAPTCHA token. Errors: invalid-input-response"),
        ("robot", "Invalid CAPTCHA token. Errors: low-score"),
    ],
)
@pytest.mark.parametrize("grant", ["password", "change_password"])
async def test_without_one_nobody_does(
    guarded: Town, grant: str, token: Any, text: str
) -> None:
    world = await a_clinic(guarded.deps)

    answer = await log_in(guarded, world, grant_type=grant, token=token)

    assert refused(answer) == forbidden(text)


async def test_who_has_no_answer_learns_nothing_of_the_password(guarded: Town) -> None:
    world = await a_clinic(guarded.deps)

    right = await log_in(guarded, world)
    wrong = await log_in(guarded, world, password="wrong")
    unknown = await log_in(guarded, world, email="nobody@clinic.test")

    assert refused(right) == refused(wrong) == refused(unknown)
    assert await events_of(guarded) == []


async def test_a_verifier_that_is_away_lets_nobody_in(guarded: Town) -> None:
    world = await a_clinic(guarded.deps)
    await guarded.fault("recaptcha", status=503)

    answer = await log_in(guarded, world, token="a person")

    assert refused(answer) == forbidden(
        "Invalid CAPTCHA token. Errors: captcha-unavailable"
    )


async def test_where_none_is_configured_none_is_asked(town: Town) -> None:
    world = await a_clinic(town.deps)

    assert (await log_in(town, world, token="bad"))[0] == 201
