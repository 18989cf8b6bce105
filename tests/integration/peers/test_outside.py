"""Whatever an outside system does, its client ends in time, says so, and tells no secrets."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from shared.peers.breaches import BreachListUnavailableError
from shared.peers.breaker import Breaker
from shared.peers.outside import NoAnswerError
from shared.peers.persons import PersonsUnavailableError
from shared.peers.recaptcha import UNAVAILABLE
from shared.peers.session import SharedSession
from shared.peers.signatures import SignaturesUnavailableError
from shared.peers.sms import SmsNotSentError
from tests.integration.peers.outsiders import (
    CODE,
    PASSWORD,
    PERSON,
    PHONE,
    SECRET,
    Handler,
    Server,
    cuts,
    in_turn,
    never_ends,
    says,
    says_text,
)

SIGNED = "c2lnbmVkIGNvbnRlbnQ="


async def _captcha(server: Server) -> None:
    verdict = await server.recaptcha.check("response-of-a-browser", address="192.0.2.1")
    if verdict.errors == (UNAVAILABLE,):
        raise NoAnswerError(UNAVAILABLE)


Ask = Callable[[Server], Awaitable[Any]]
ASKING: dict[str, tuple[Ask, type[Exception], bool]] = {
    "sms": (lambda s: s.sms.send(phone=PHONE, body=CODE), SmsNotSentError, False),
    "signatures": (
        lambda s: s.signatures.verify(SIGNED),
        SignaturesUnavailableError,
        True,
    ),
    "persons": (lambda s: s.persons.person(PERSON), PersonsUnavailableError, True),
    "recaptcha": (_captcha, NoAnswerError, False),
    "breaches": (lambda s: s.breaches.count(PASSWORD), BreachListUnavailableError, True),
}
each = pytest.mark.parametrize("system", ASKING)


async def slow(_: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


BAD_DAYS: dict[str, Handler] = {
    "slow": slow,
    "cut": cuts,
    "500": says({"error": CODE + PASSWORD}, 500),
    "503": says({}, 503),
    "302": says({}, 302),
    "broken": says_text('{"data": '),
    "not an object": says_text("[]"),
    "not text": says_text("\udc80".encode("utf-8", "surrogateescape").decode("latin-1")),
    "huge": never_ends,
}


@each
@pytest.mark.parametrize("day", BAD_DAYS)
async def test_on_a_bad_day_there_is_one_error_in_time_and_no_secret_in_it(
    server: Server, system: str, day: str, caplog: pytest.LogCaptureFixture
) -> None:
    ask, error, _ = ASKING[system]
    server.answer = BAD_DAYS[day]
    if system == "sms" and day in {"broken", "not an object", "not text"}:
        await ask(server)  # it was taken: what else the gateway says is not read
        return

    async with asyncio.timeout(5):
        with pytest.raises(error) as raised:
            await ask(server)

    told = f"{raised.value!r} {raised.value.__cause__!r} {caplog.text}"
    for secret in (CODE, "481516", PHONE, PASSWORD, SIGNED, SECRET, server.url):
        assert secret not in told
    assert raised.value.__cause__ is None


@each
async def test_only_a_harmless_question_is_asked_again_when_the_answer_was_cut(
    server: Server, system: str
) -> None:
    ask, error, harmless = ASKING[system]
    server.answer = cuts

    with pytest.raises(error):
        await ask(server)

    assert len(server.asked) == (2 if harmless else 1)


async def test_a_harmless_question_is_answered_at_the_second_try(server: Server) -> None:
    person = {"data": {"id": PERSON, "status": "active", "tax_id": "12"}}
    for first in (cuts, says({}, 503)):
        server.answer = in_turn(first, says(person))
        found = await server.persons.person(PERSON)
        assert found is not None
        assert found.status == "active"


async def test_the_deadline_covers_both_tries(server: Server) -> None:
    outside = server.outside(harmless=True, deadline=0.3)
    server.answer = in_turn(says({}, 503), slow)

    async with asyncio.timeout(5):
        with pytest.raises(NoAnswerError, match="the system: TimeoutError"):
            await outside.ask("GET", "/", read=lambda reply: reply)

    assert len(server.asked) == 2


async def test_where_nobody_listens_nothing_is_sent_and_it_is_said(server: Server) -> None:
    outside = server.outside(harmless=False, url="http://127.0.0.1:1")

    with pytest.raises(NoAnswerError, match="the system: ClientConnectorError"):
        await outside.ask("GET", "/", read=lambda reply: reply)


async def test_a_system_that_fails_again_and_again_is_left_alone(server: Server) -> None:
    sms = server.sms
    server.answer = says({}, 500)
    for _ in range(3):
        with pytest.raises(SmsNotSentError, match="the system: it answered 500"):
            await sms.send(phone=PHONE, body=CODE)

    with pytest.raises(SmsNotSentError, match="the system did not answer of late"):
        await sms.send(phone=PHONE, body=CODE)

    assert len(server.asked) == 3


async def test_whoever_goes_away_while_waiting_says_nothing_of_the_system(
    server: Server,
) -> None:
    breaker = Breaker(tolerated=1, rest=60)
    outside = server.outside(harmless=True, breaker=breaker)
    came = asyncio.Event()

    async def holds(request: web.Request) -> web.StreamResponse:
        came.set()
        return await slow(request)

    server.answer = holds
    asking = asyncio.create_task(outside.ask("GET", "/", read=lambda reply: reply))
    await came.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert breaker.allows(0)


async def test_a_session_is_made_when_first_used_and_closed_with_the_last_application() -> (
    None
):
    shared = SharedSession()
    first, second = (shared.while_serving(web.Application()) for _ in range(2))
    await anext(first)
    await anext(second)
    session = shared()
    assert shared() is session

    assert [item async for item in first] == []
    assert not session.closed
    assert [item async for item in second] == []
    assert session.closed
