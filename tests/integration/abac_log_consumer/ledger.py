"""Events as abac-api and mithril-api publish them, and what the audit log made of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from services.abac_log_consumer.actions.record import Outcome, record
from services.abac_log_consumer.app import Built, build
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.records import Delivered, read
from services.abac_log_consumer.settings import Settings
from services.abac_log_consumer.store.recording import Place
from shared.events.abac import DecisionMade
from shared.events.accounts import ClientCreated
from shared.events.envelope import Event, headers
from shared.events.tokens import TokensRevoked
from shared.models.access import Consumer, Context, Resource
from shared.runtime.entropy import SystemEntropy
from shared.runtime.kafka import KafkaAccess, idempotent_producer

SIGNING_KEY = "4f" * 32
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Record:
    """What goes to Kafka."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(kw_only=True)
class Source:
    """Numbers its events as a relay does."""

    name: str = field(default_factory=lambda: f"test-{uuid4()}")
    sequence: int = 0

    def tell(self, event: Event, *, at: datetime | None = None) -> Record:
        """An event as a record, with the next number."""
        self.sequence += 1
        made = headers(
            event_id=SystemEntropy().uuid(),
            source=self.name,
            event_type=event.type,
            at=at or NOON + timedelta(seconds=self.sequence),
            sequence=self.sequence,
            subject=event.key(),
            traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01",
        )
        return Record(
            topic=event.topic,
            key=event.key().encode(),
            value=event.payload(),
            headers=made,
        )

    def decisions(self, count: int, **but: Any) -> list[Record]:
        """So many decisions, one after another."""
        return [
            self.tell(a_decision(decided_at=NOON + timedelta(seconds=self.sequence), **but))
            for _ in range(count)
        ]


def a_decision(**but: Any) -> DecisionMade:
    values: dict[str, Any] = {
        "decision_id": uuid4(),
        "consumer": Consumer(user_id=uuid4(), client_id=uuid4(), client_type="MSP"),
        "resource": Resource(type="condition", action="read", id=uuid4()),
        "contexts": (Context(type="patient", id=uuid4()),),
        "patient_id": uuid4(),
        "result": True,
        "rules": ("rule_1", "rule_4"),
        "reason": None,
        "policy_version": "9f2c",
        "request_id": "request-1",
        "decided_at": NOON,
    }
    return DecisionMade(**(values | but))


def a_revocation(user_id: UUID | None = None) -> TokensRevoked:
    return TokensRevoked(
        selector="user", reason="user_blocked", user_id=user_id or uuid4(), count=3
    )


def a_client(client_id: UUID, name: str) -> ClientCreated:
    return ClientCreated(client_id=client_id, name=name, client_type="MSP")


async def publish(
    bootstrap: str, records: Sequence[Record], *, partition: int | None = None
) -> None:
    """Send records in order and wait for every acknowledgement."""
    producer = idempotent_producer(
        KafkaAccess(bootstrap_servers=bootstrap), client_id="test"
    )
    await producer.start()
    try:
        sends = [
            await producer.send(
                item.topic,
                item.value,
                key=item.key,
                headers=list(item.headers),
                partition=partition,
            )
            for item in records
        ]
        await asyncio.gather(*sends)
    finally:
        await producer.stop()


def settings_for(database_url: str, bootstrap: str, **but: Any) -> Settings:
    """Settings that a test needs; `but` overrides by field name."""
    values: dict[str, Any] = {
        "database_url": database_url,
        "kafka_bootstrap_servers": bootstrap,
        "signing_key": SIGNING_KEY,
        "consumer_group": f"test-{uuid4()}",
        "service_tokens": ("service-token-for-tests",),
        "db_pool_size": 3,
        "recheck_seconds": 0.5,
        "session_timeout_ms": 6000,
    }
    return Settings(**(values | but))


@asynccontextmanager
async def recording(database_url: str, bootstrap: str, **but: Any) -> AsyncIterator[Built]:
    """The service's consumer and relay, running."""
    built = build(settings_for(database_url, bootstrap, **but))
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(built.consumer.run(stop)),
        asyncio.create_task(built.relay.run(stop)),
    ]
    try:
        yield built
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        await built.deps.db.dispose()


async def fetch(url: str, query: str, *arguments: Any) -> list[Any]:
    conn = await asyncpg.connect(url)
    try:
        return list(await conn.fetch(query, *arguments))
    finally:
        await conn.close()


async def execute(url: str, query: str, *arguments: Any) -> None:
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(query, *arguments)
    finally:
        await conn.close()


async def until(
    ask: Callable[[], Awaitable[Any]], wanted: Any, *, within: float = 30.0
) -> None:
    """Return when the answer is the wanted one: only the database can be asked for it."""
    answer = None
    try:
        async with asyncio.timeout(within):
            while (answer := await ask()) != wanted:
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        raise AssertionError(f"still {answer!r}, not {wanted!r}") from error


def count_of(url: str, source: Source, table: str = "decisions") -> Any:
    """Ask how many records of a source there are."""

    async def ask() -> int:
        query = f"SELECT count(*) FROM {table} WHERE source = $1"  # noqa: S608 — ours
        (row,) = await fetch(url, query, source.name)
        return int(row[0])

    return ask


def delivered(
    records: Sequence[Record], *, partition: int = 0, first: int = 0
) -> list[Delivered]:
    """Records as Kafka would give them, one after another in a partition."""
    return [
        Delivered(
            topic=item.topic,
            partition=partition,
            offset=first + number,
            key=item.key,
            value=item.value,
            headers=tuple(item.headers),
        )
        for number, item in enumerate(records)
    ]


async def keep(deps: Deps, batch: Sequence[Delivered]) -> Outcome:
    """Record a batch as the loop does, without a Kafka."""
    ends = {Place(item.topic, item.partition): item for item in batch}
    return await record(deps, [read(item) for item in batch], ends)
