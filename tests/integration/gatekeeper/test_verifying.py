"""Whose a token is: asked once, kept for a while, and never kept when it is outdated."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from services.gatekeeper.cache import Kept, TokenCache
from services.gatekeeper.domain.drops import DropOf
from services.gatekeeper.metrics import Metrics
from services.gatekeeper.verifying import Verifier
from shared.peers.mithril import MithrilApi, MithrilUnavailableError, RefusedToken
from tests.fakes import SteppingClock
from tests.integration.gatekeeper.platform import Platform, a_token, away
from tests.integration.gatekeeper.values import MIS, SERVICE_TOKEN, USER

ONE, MANY = "/admin/tokens/{value}/verify", "/admin/tokens/verify"


@dataclass
class Asking:
    """A verifier, and whether it may believe that it hears all events."""

    verifier: Verifier
    cache: TokenCache
    platform: Platform
    current: bool = True

    async def ask(self, token: str = "good", api_key: str | None = None) -> Any:
        return await self.verifier.token(token, api_key=api_key, request_id="r")


@pytest.fixture
async def asking(
    platform: Platform, platform_url: str, clock: SteppingClock
) -> AsyncIterator[Asking]:
    cache = TokenCache(100)
    async with aiohttp.ClientSession() as session:
        mithril = MithrilApi(
            url=platform_url, session=lambda: session, service_token=SERVICE_TOKEN
        )
        verifier = Verifier(
            mithril,
            cache,
            Metrics(CollectorRegistry()),
            clock,
            lives=10,
            is_current=lambda _: made.current,
        )
        made = Asking(verifier, cache, platform)
        yield made


@dataclass
class Gateway:
    """Holds answers back until a test lets them go."""

    reached: asyncio.Event
    go: asyncio.Event

    @classmethod
    def closed(cls) -> "Gateway":
        return cls(asyncio.Event(), asyncio.Event())

    async def __call__(self, _: web.Request) -> None:
        self.reached.set()
        await self.go.wait()


async def test_a_verdict_is_kept_while_events_are_heard(asking: Asking) -> None:
    first, second = await asking.ask(), await asking.ask()
    assert isinstance(first, Kept)
    assert second is first
    assert asking.platform.count(ONE) == 1


async def test_nothing_is_taken_or_kept_while_events_are_not_heard(asking: Asking) -> None:
    asking.current = False
    await asking.ask()
    assert len(asking.cache) == 0
    asking.current = True
    await asking.ask()
    asking.current = False
    await asking.ask()
    assert asking.platform.count(ONE) == 3


async def test_a_refusal_is_not_kept(asking: Asking) -> None:
    assert isinstance(await asking.ask("new"), RefusedToken)
    asking.platform.tokens["new"] = a_token()
    assert isinstance(await asking.ask("new"), Kept)


async def test_a_verdict_is_of_a_token_and_the_key_it_came_with(asking: Asking) -> None:
    asking.platform.tokens["good"] = a_token(api_key="right")
    assert isinstance(await asking.ask(api_key="right"), Kept)
    assert isinstance(await asking.ask(api_key="wrong"), RefusedToken)
    assert isinstance(await asking.ask(), RefusedToken)


async def test_the_verdict_on_a_key_of_a_mis_is_kept_apart(asking: Asking) -> None:
    asking.platform.keys["good"] = MIS
    await asking.ask()
    for _ in range(2):
        kept = await asking.verifier.key("good", request_id="r")
        assert isinstance(kept, Kept)
        assert kept.headers["X-Consumer-Id"] == ""
    assert asking.platform.count("/admin/api_key/{key}/verify") == 1


async def test_a_verdict_is_never_kept_beyond_the_end_of_its_token(
    asking: Asking, clock: SteppingClock
) -> None:
    token = a_token()
    token["data"]["expires_at"] = int(clock.now().timestamp())
    asking.platform.tokens["good"] = token
    await asking.ask()
    assert len(asking.cache) == 0


async def test_requests_with_one_token_share_a_question(asking: Asking) -> None:
    gateway = asking.platform.fault = Gateway.closed()
    waiting = [asyncio.create_task(asking.ask()) for _ in range(20)]
    await gateway.reached.wait()
    gateway.go.set()
    verdicts = await asyncio.gather(*waiting)
    assert all(verdict is verdicts[0] for verdict in verdicts)
    assert asking.platform.count(ONE) == 1


async def test_one_who_goes_away_takes_nobodys_answer_along(asking: Asking) -> None:
    gateway = asking.platform.fault = Gateway.closed()
    first = asyncio.create_task(asking.ask())
    await gateway.reached.wait()
    second = asyncio.create_task(asking.ask())
    await asyncio.sleep(0)
    first.cancel()
    gateway.go.set()
    assert isinstance(await second, Kept)
    assert asking.platform.count(ONE) == 1


async def test_requests_with_many_tokens_share_a_call(asking: Asking) -> None:
    platform = asking.platform
    platform.tokens |= {f"t{number}": a_token() for number in range(20)}
    gateway = platform.fault = Gateway.closed()
    waiting = [asyncio.create_task(asking.ask(f"t{number}")) for number in range(21)]
    await gateway.reached.wait()
    gateway.go.set()
    verdicts = await asyncio.gather(*waiting)
    assert [isinstance(verdict, Kept) for verdict in verdicts] == [True] * 20 + [False]
    ids = {str(verdict.verified.token_id) for verdict in verdicts[:20]}
    assert ids == {platform.tokens[f"t{number}"]["data"]["id"] for number in range(20)}
    assert platform.count(ONE) + platform.count(MANY) < 10


async def test_an_event_that_comes_while_its_token_is_asked_about_wins(
    asking: Asking,
) -> None:
    gateway = asking.platform.fault = Gateway.closed()
    waiting = asyncio.create_task(asking.ask())
    await gateway.reached.wait()

    asking.cache.drop(DropOf(frozenset({USER})))  # the answer under way is outdated
    gateway.go.set()
    assert isinstance(await waiting, Kept)

    assert len(asking.cache) == 0
    del asking.platform.tokens["good"]
    assert isinstance(await asking.ask(), RefusedToken)


async def test_no_one_joins_a_question_that_is_older_than_an_event(asking: Asking) -> None:
    gateway = asking.platform.fault = Gateway.closed()
    early = asyncio.create_task(asking.ask())
    await gateway.reached.wait()

    asking.cache.drop(DropOf(frozenset({USER})))
    late = asyncio.create_task(asking.ask())
    await asyncio.sleep(0)
    asking.platform.tokens.clear()
    gateway.go.set()
    await early
    assert isinstance(await late, RefusedToken)
    assert asking.platform.count(ONE) == 2


async def test_who_shares_a_question_shares_that_there_is_no_answer(asking: Asking) -> None:
    asking.platform.fault = away
    waiting = [asyncio.create_task(asking.ask()) for _ in range(3)]
    for task in waiting:
        with pytest.raises(MithrilUnavailableError):
            await task
    asking.platform.fault = None
    assert isinstance(await asking.ask(), Kept)
