"""Whose a token is: from the cache where that is allowed, else asked of mithril-api once.

Requests with the same token share one question, those with different tokens one call.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from services.gatekeeper.cache import Kept, TokenCache
from services.gatekeeper.domain.consumers import headers_of
from services.gatekeeper.metrics import Metrics
from shared.peers.mithril import (
    MithrilApi,
    MithrilUnavailableError,
    RefusedToken,
    TokenAsked,
    VerifiedKey,
    VerifiedToken,
)
from shared.runtime.clock import Clock
from shared.runtime.coalesce import Coalescer

_Verdict: TypeAlias = VerifiedToken | VerifiedKey | RefusedToken
_Answer: TypeAlias = (
    "asyncio.Future[VerifiedToken | RefusedToken] | "
    "asyncio.Task[VerifiedKey | RefusedToken]"
)
_Question: TypeAlias = Callable[[], _Answer]

_MOST = 64  # tokens in one call
_LANES = 2
_JOINABLE = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class _Asked:
    token: TokenAsked
    request_id: str


@dataclass(frozen=True, slots=True)
class _Flight:
    """A question under way, and who waits: each apart, so that one may go away."""

    generation: int
    since: float
    waiting: "list[asyncio.Future[Kept | RefusedToken]]" = field(default_factory=list)


class Verifier:
    """`is_current` says whether events are heard: only then is anything taken from the cache."""

    def __init__(
        self,
        mithril: MithrilApi,
        cache: TokenCache,
        metrics: Metrics,
        clock: Clock,
        *,
        lives: float,
        is_current: Callable[[float], bool],
    ) -> None:
        self._mithril = mithril
        self._cache = cache
        self._metrics = metrics
        self._clock = clock
        self._lives = lives
        self._is_current = is_current
        self._flights: dict[bytes, _Flight] = {}
        self._under_way: set[_Answer] = set()
        self._hit = metrics.lookups.labels("hit")
        self._miss = metrics.lookups.labels("miss")
        self._unused = metrics.lookups.labels("unused")
        self._calls = Coalescer(
            self._verify_many,
            most=_MOST,
            lanes=_LANES,
            fatal=(MithrilUnavailableError,),
            observe=metrics.batch_size.observe,
            name="verify",
        )

    async def token(
        self, value: str, *, api_key: str | None, request_id: str
    ) -> Kept | RefusedToken:
        """The verdict on a token; `MithrilUnavailableError` where none can be had."""
        digest = _digest("token", value, api_key or "")
        found = self._find(digest)
        if found is not None:
            return found

        def ask() -> _Answer:
            asked = TokenAsked(value=value, api_key=api_key)
            return self._calls.enqueue(_Asked(asked, request_id))

        return await self._once(digest, ask)

    async def key(self, api_key: str, *, request_id: str) -> Kept | RefusedToken:
        """The verdict on the api-key of a MIS that comes alone."""
        digest = _digest("key", api_key)
        found = self._find(digest)
        if found is not None:
            return found

        def ask() -> _Answer:
            verified = self._mithril.verify_key(api_key, request_id=request_id)
            return asyncio.create_task(verified, name="verify key")

        return await self._once(digest, ask)

    def _find(self, digest: bytes) -> Kept | None:
        now = asyncio.get_running_loop().time()
        if not self._is_current(now):
            self._unused.inc()
            return None
        found = self._cache.find(digest, now=now)
        (self._miss if found is None else self._hit).inc()
        return found

    async def _once(self, digest: bytes, ask: _Question) -> Kept | RefusedToken:
        """Join a question under way, if no event came since it began; else ask."""
        flight = self._flights.get(digest)
        now = asyncio.get_running_loop().time()
        if flight is None or not self._may_join(flight, now):
            flight = self._take_off(digest, ask, now)
        waiter: asyncio.Future[Kept | RefusedToken] = (
            asyncio.get_running_loop().create_future()
        )
        flight.waiting.append(waiter)
        return await waiter

    def _may_join(self, flight: _Flight, now: float) -> bool:
        """Its verdict must be as good as one asked for now.

        An event since then may have made it outdated; so may one that is not heard of, if
        the question has been under way for long.
        """
        if flight.generation != self._cache.generation:
            return False
        return now - flight.since <= _JOINABLE

    def _take_off(self, digest: bytes, ask: _Question, now: float) -> _Flight:
        flight = _Flight(self._cache.generation, now)
        self._flights[digest] = flight
        answer = ask()
        self._under_way.add(answer)
        answer.add_done_callback(partial(self._arrive, digest, flight))
        return flight

    def _arrive(self, digest: bytes, flight: _Flight, answer: _Answer) -> None:
        """Tell everybody who still waits."""
        self._under_way.discard(answer)
        if self._flights.get(digest) is flight:
            del self._flights[digest]
        waiting = [waiter for waiter in flight.waiting if not waiter.done()]
        if answer.cancelled():
            for waiter in waiting:
                waiter.cancel()
            return
        error = answer.exception()
        if error is not None:
            for waiter in waiting:
                waiter.set_exception(error)
            return
        landed = self._landed(digest, flight, answer.result())
        for waiter in waiting:
            waiter.set_result(landed)

    def _landed(
        self,
        digest: bytes,
        flight: _Flight,
        verdict: _Verdict,
    ) -> Kept | RefusedToken:
        """The verdict, kept for a while unless it is outdated already."""
        if isinstance(verdict, RefusedToken):
            return verdict
        lives = self._lives
        if isinstance(verdict, VerifiedToken) and verdict.expires_at is not None:
            lives = min(lives, verdict.expires_at - self._clock.now().timestamp())
        now = asyncio.get_running_loop().time()
        kept = Kept(verdict, headers_of(verdict), now + lives)
        if lives <= 0 or not self._is_current(now):
            return kept
        if not self._cache.keep(digest, kept, asked_at=flight.generation):
            self._metrics.outdated.inc()
        return kept

    async def _verify_many(
        self, asked: Sequence[_Asked]
    ) -> "list[VerifiedToken | RefusedToken]":
        if len(asked) == 1:
            token = asked[0].token
            verdict = await self._mithril.verify(
                token.value, api_key=token.api_key, request_id=asked[0].request_id
            )
            return [verdict]
        tokens = [item.token for item in asked]
        return await self._mithril.verify_many(tokens, request_id=asked[0].request_id)


def _digest(kind: str, *parts: str) -> bytes:
    text = "\0".join((kind, *parts))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
