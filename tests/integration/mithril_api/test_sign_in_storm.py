"""A thousand wrong passwords at once: bounded, and nobody else notices (issue 4)."""

import asyncio

from services.mithril_api.actions.sign_in import SignInAsked, sign_in
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.sign_in import Grant
from shared.models.schema import mithril as tables
from shared.runtime.overload import OverloadedError
from tests.builders import World
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import a_clinic, log_in
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.town import an_api, count

WRONG = Refused(Reason.PASSWORD_WRONG)
LIMIT = Refused(Reason.LOGIN_LIMIT)


def a_guess(world: World, number: int) -> SignInAsked:
    return SignInAsked(
        grant=Grant.PASSWORD,
        client_id=world.client_id,
        email=world.email,
        password=f"guess {number}",
        scope=("app:authorize",),
    )


async def storm(api: Api, world: World, most: int = 1000) -> list[object]:
    guesses = (sign_in(api.deps, a_guess(world, number)) for number in range(most))
    return list(await asyncio.gather(*guesses, return_exceptions=True))


async def test_a_thousand_wrong_passwords_at_once_are_bounded_and_leave_the_loop_free(
    mithril_database: str, clock: SteppingClock
) -> None:
    but = {"password_queue": 20, "password_memory_kib": 4096, "max_failed_logins": 10**6}
    async with an_api(mithril_database, clock, **but) as api:
        world = await a_clinic(api.deps)
        raging = asyncio.create_task(storm(api, world))
        statuses = []
        for _ in range(5):
            body = world.refresh_body()
            response = await api.public.post("/oauth/tokens", json=body)
            statuses.append(response.status)
        still_raging = not raging.done()
        outcomes = await raging
        after, _ = await log_in(api, world)

    wrong = outcomes.count(WRONG)
    overloaded = sum(isinstance(outcome, OverloadedError) for outcome in outcomes)
    assert (statuses, still_raging) == ([201] * 5, True)
    assert wrong + overloaded == 1000
    assert wrong >= 22  # two at work, twenty waiting
    assert overloaded > 0
    assert after == 201


async def test_no_more_guesses_count_than_the_limit_of_failures(
    mithril_database: str, clock: SteppingClock
) -> None:
    but = {"password_queue": 1000, "password_memory_kib": 64}
    async with an_api(mithril_database, clock, **but) as api:
        world = await a_clinic(api.deps)
        outcomes = await storm(api, world, 200)
        failures = await count(api.deps, tables.login_failures)

    assert (outcomes.count(WRONG), outcomes.count(LIMIT)) == (10, 190)
    assert failures == 10


async def test_whoever_finds_no_room_is_told_to_come_again(
    mithril_database: str, clock: SteppingClock
) -> None:
    but = {"password_queue": 1, "password_workers": 1, "password_memory_kib": 4096}
    async with an_api(mithril_database, clock, **but) as api:
        world = await a_clinic(api.deps)
        answers = await asyncio.gather(
            *(log_in(api, world, password="wrong") for _ in range(30))
        )

    refused = [body["error"]["type"] for status, body in answers if status == 503]
    assert set(refused) == {"service_unavailable"}
    assert {status for status, _ in answers} == {401, 503}
