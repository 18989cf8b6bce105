"""Events empty the cache through a real broker; without the broker it is not used."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from services.gatekeeper.cache import Kept, TokenCache
from services.gatekeeper.metrics import Metrics
from services.gatekeeper.revocations import Revocations
from shared.events import accounts, tokens
from shared.events.envelope import Event, headers
from shared.peers.mithril import VerifiedToken
from shared.runtime.kafka import KafkaAccess
from tests.integration.gatekeeper.values import CLIENT
from tests.neighbours.household import HOUSEHOLD
from tests.neighbours.ladder import Broker
from tests.neighbours.ladders import own_kafka_ladder


@pytest.fixture(scope="module")
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Run a Kafka of this module's own, which a test may take away and bring back."""
    household = request.config.stash[HOUSEHOLD]
    made = own_kafka_ladder().open(Path(tempfile.mkdtemp(dir=household.directory)))
    yield made
    made.close()


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def kept(user: UUID) -> Kept:
    verified = VerifiedToken(
        token_id=uuid4(),
        user_id=user,
        client_id=CLIENT,
        scope=frozenset(),
        person_id=None,
        mis_client_id=None,
    )
    return Kept(verified, {}, float("inf"))


class Hearing:
    """A cache, and what empties it."""

    def __init__(self, bootstrap: str) -> None:
        self.cache = TokenCache(100)
        self.registry = CollectorRegistry()
        self.revocations = Revocations(
            KafkaAccess(bootstrap_servers=bootstrap),
            self.cache,
            Metrics(self.registry),
            silence=0.75,
        )

    @property
    def is_current(self) -> bool:
        return self.revocations.is_current(asyncio.get_running_loop().time())

    def keep(self, user: UUID) -> bytes:
        """Keep a verdict; its digest."""
        digest = user.bytes
        assert self.cache.keep(digest, kept(user), asked_at=self.cache.generation)
        return digest

    def has(self, user: UUID) -> bool:
        return self.cache.find(user.bytes, now=0) is not None

    def heard(self, drop: str) -> float:
        value = self.registry.get_sample_value(
            "mithril_gatekeeper_events_total", {"drop": drop}
        )
        return value or 0.0

    async def until(self, wanted: bool) -> None:
        """Return when the cache may be used, or when it may not."""
        async with asyncio.timeout(60):
            while self.is_current is not wanted:
                await asyncio.sleep(0.01)

    async def until_gone(self, user: UUID) -> None:
        async with asyncio.timeout(30):
            while self.has(user):
                await asyncio.sleep(0.005)


@asynccontextmanager
async def hearing(bootstrap: str) -> AsyncIterator[Hearing]:
    made, stop = Hearing(bootstrap), asyncio.Event()
    task = asyncio.create_task(made.revocations.run(stop))
    try:
        yield made
    finally:
        stop.set()
        await task


async def publish(bootstrap: str, *events: Event | tuple[str, bytes | None]) -> None:
    """Send events, or records of a topic which are no events."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for event in events:
            topic, value, about = _record(event)
            await producer.send_and_wait(topic, value=value, key=b"k", headers=about)
    finally:
        await producer.stop()


def _record(
    event: Event | tuple[str, bytes | None],
) -> tuple[str, bytes | None, Sequence[tuple[str, bytes]]]:
    if not isinstance(event, Event):
        return *event, []
    about = headers(
        event_id=uuid4(),
        source="mithril-api",
        event_type=event.type,
        at=NOW,
        sequence=1,
        subject="s",
        traceparent=None,
    )
    return event.topic, event.payload(), about


def blocked(user: UUID) -> accounts.UserBlocked:
    return accounts.UserBlocked(user_id=user, reason=None)


def signed_out(user: UUID) -> tokens.TokensRevoked:
    return tokens.TokensRevoked(selector="user", reason="logout", user_id=user, count=1)


async def with_topics(bootstrap: str) -> None:
    """The topics are there once something is in them."""
    await publish(bootstrap, blocked(uuid4()), signed_out(uuid4()))


async def test_what_an_event_is_about_goes_at_once_and_nothing_else(
    broker: Broker,
) -> None:
    await with_topics(broker.address)
    one, two, three = uuid4(), uuid4(), uuid4()
    async with hearing(broker.address) as heard:
        await heard.until(wanted=True)
        for user in (one, two, three):
            heard.keep(user)
        await publish(broker.address, blocked(one), signed_out(two))
        await heard.until_gone(one)
        await heard.until_gone(two)
        assert heard.has(three)
        assert heard.is_current

        await publish(broker.address, ("mithril.accounts", b"no event at all"))
        await heard.until_gone(three)
        assert heard.heard("everything") == 1


async def test_what_was_before_its_time_is_not_read_again(broker: Broker) -> None:
    await with_topics(broker.address)
    async with hearing(broker.address) as heard:
        await heard.until(wanted=True)
        user = uuid4()
        heard.keep(user)
        await publish(broker.address, signed_out(user))
        await heard.until_gone(user)
        assert heard.heard("some") == 1


async def test_every_replica_hears_all(broker: Broker) -> None:
    await with_topics(broker.address)
    user = uuid4()
    async with (
        hearing(broker.address) as first,
        hearing(broker.address) as second,
    ):
        for heard in (first, second):
            await heard.until(wanted=True)
            heard.keep(user)
        await publish(broker.address, blocked(user))
        await first.until_gone(user)
        await second.until_gone(user)


async def test_without_kafka_the_cache_is_not_used_and_with_it_again(
    broker: Broker,
) -> None:
    await with_topics(broker.address)
    user = uuid4()
    async with hearing(broker.address) as heard:
        await heard.until(wanted=True)
        heard.keep(user)
        await asyncio.to_thread(broker.stop)
        await heard.until(wanted=False)
        with pytest.raises(RuntimeError):
            await heard.revocations.ping()
        await asyncio.to_thread(broker.start)
        await heard.until(wanted=True)
        await heard.revocations.ping()
        assert not heard.has(user)  # what was not heard meanwhile might have ended it


async def test_a_broker_that_never_was_there_is_waited_for() -> None:
    async with hearing("127.0.0.1:1") as heard:
        interruptions = "mithril_gatekeeper_revocations_interruptions_total"
        async with asyncio.timeout(30):
            while (heard.registry.get_sample_value(interruptions) or 0) < 2:
                await asyncio.sleep(0.01)
        assert not heard.is_current


async def test_an_event_that_nothing_depends_on_drops_nothing(broker: Broker) -> None:
    await with_topics(broker.address)
    user = uuid4()
    async with hearing(broker.address) as heard:
        await heard.until(wanted=True)
        heard.keep(user)
        await publish(broker.address, accounts.UserUnblocked(user_id=user, reason=None))
        async with asyncio.timeout(30):
            while heard.heard("nothing") < 1:
                await asyncio.sleep(0.01)
        assert heard.has(user)
