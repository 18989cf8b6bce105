"""The loop of the audit log: read, dead-letter what is unreadable, record, tell Kafka, sign.

Whatever ends it — a crash at any step, a rebalance, PostgreSQL or Kafka gone — it begins again
from where the last committed transaction says.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, suppress
from dataclasses import replace
from itertools import zip_longest

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from services.abac_log_consumer.actions.record import is_poisonous, record
from services.abac_log_consumer.actions.sign_checkpoints import sign_checkpoints
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.records import Delivered, Read, Unreadable, read
from services.abac_log_consumer.reading import Reader
from services.abac_log_consumer.store import recording
from services.abac_log_consumer.store.recording import Chain, Place
from shared.runtime import failpoints, logging, tracing
from shared.runtime.kafka import idempotent_producer
from shared.runtime.postgres import DatabaseUnavailableError, driver_of

_log = logging.get("consume")
_COMMIT_SECONDS = 1.0
_LONGEST_PAUSE = 5.0
_TURN = 100  # records understood before others have a turn


class Consumer:
    """Reads the topics of the audit log and records what they hold."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._reader: Reader | None = None
        self._trouble: str | None = "not started"
        self._unsigned = 0
        self._signed_at = 0.0
        self._committed_at = 0.0

    async def ping(self) -> None:
        """Raise unless partitions are assigned and the last attempt to record succeeded."""
        if self._trouble is not None:
            raise RuntimeError(self._trouble)
        if self._reader is None or not self._reader.joined:
            raise RuntimeError("no partitions are assigned yet")

    async def run(self, stop: asyncio.Event) -> None:
        """Record until `stop`; outlive PostgreSQL and Kafka."""
        pause = 0.1
        while not stop.is_set():
            try:
                await self._session(stop)
            except (KafkaError, OSError) as error:
                self._interrupted("kafka", error)
            except (
                DatabaseUnavailableError,
                asyncpg.PostgresError,
                SQLAlchemyError,
            ) as error:
                self._interrupted("postgres", error)
            else:
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await stop.wait()
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _session(self, stop: asyncio.Event) -> None:
        """From joining the group to leaving it."""
        await self._deps.db.ping()  # no use in taking partitions from those who can record
        reader = Reader(self._deps.settings, self._deps.metrics, self._find)
        letters = DeadLetters(self._deps)
        try:
            await reader.start()
            self._reader, self._trouble = reader, None
            while not stop.is_set():
                batch = await reader.poll()
                if not batch:
                    await self._after(reader, idle=True)
                    continue
                most = self._deps.settings.batch_most
                async with aclosing(read_ahead(batch, most=most)) as parts:
                    async for part, reads in parts:
                        with self._traced(part):
                            await self._take(reader, letters, part, reads)
                        await self._after(reader, idle=False)
            await reader.commit()
        finally:
            self._reader = None
            await letters.close()
            await reader.stop()

    def _traced(self, part: Sequence[Delivered]) -> AbstractContextManager[None]:
        records = ((item.topic, item.headers) for item in part)
        return tracing.consuming(records, group=self._deps.settings.consumer_group)

    async def _take(
        self,
        reader: Reader,
        letters: "DeadLetters",
        batch: Sequence[Delivered],
        reads: Sequence[Read],
    ) -> None:
        failpoints.reach("consume.read")
        self._deps.metrics.batch_size.observe(len(batch))
        unreadable = [item for item in reads if isinstance(item, Unreadable)]
        if unreadable:
            await letters.send(unreadable)
            failpoints.reach("consume.dead-lettered")
        await self._record(reader, letters, batch, reads)
        failpoints.reach("consume.recorded")

    async def _record(
        self,
        reader: Reader,
        letters: "DeadLetters",
        batch: Sequence[Delivered],
        reads: Sequence[Read],
    ) -> None:
        """Record a batch; if that is refused, its halves, down to the record at fault."""
        ends = {Place(item.topic, item.partition): item for item in batch}
        try:
            outcome = await record(self._deps, reads, ends)
        except (asyncpg.PostgresError, TypeError, ValueError) as error:
            if not is_poisonous(error):
                raise
            if len(batch) > 1:
                half = len(batch) // 2
                await self._record(reader, letters, batch[:half], reads[:half])
                await self._record(reader, letters, batch[half:], reads[half:])
                return
            refused = _refused(batch[0], reads[0])
            await letters.send([refused])
            outcome = await record(self._deps, [refused], ends)
            reads = [refused]
        reader.settle(outcome.chains)
        self._count(outcome.recorded, outcome.repeated, reads)

    def _count(
        self,
        recorded: Mapping[str, int],
        repeated: Mapping[str, int],
        reads: Sequence[Read],
    ) -> None:
        metrics = self._deps.metrics
        for topic, count in recorded.items():
            metrics.records.labels(topic).inc(count)
            self._unsigned += count
        for topic, count in repeated.items():
            metrics.repeats.labels(topic).inc(count)
        for item in reads:
            if isinstance(item, Unreadable):
                metrics.rejects.labels(item.delivered.topic, item.why).inc()

    async def _after(self, reader: Reader, *, idle: bool) -> None:
        """What follows a batch, or the lack of one: offsets, and signatures that are due."""
        moment = asyncio.get_running_loop().time()
        if idle or moment - self._committed_at >= _COMMIT_SECONDS:
            self._committed_at = moment
            await reader.commit()
            failpoints.reach("consume.committed")
        settings = self._deps.settings
        often = min(settings.checkpoint_seconds, 5.0)
        due = self._unsigned >= settings.checkpoint_records
        if due or moment - self._signed_at >= often:
            self._signed_at, self._unsigned = moment, 0
            await sign_checkpoints(self._deps)

    async def _find(self, places: Sequence[Place]) -> dict[Place, Chain]:
        async with self._deps.db.read() as conn:
            return await recording.chains_of(driver_of(conn), places)

    def _interrupted(self, neighbour: str, error: Exception) -> None:
        text = (str(error) or type(error).__name__).splitlines()[0][:300]
        self._trouble = f"{neighbour}: {text}"
        self._deps.metrics.interruptions.labels(neighbour).inc()
        _log.warning("recording interrupted", neighbour=neighbour, error=text)


async def read_ahead(
    batch: Sequence[Delivered], *, most: int
) -> AsyncGenerator[tuple[Sequence[Delivered], Sequence[Read]]]:
    """A batch in parts of at most so many, in order, and what each says.

    A part is understood while PostgreSQL is at work on the one before it.
    """
    parts = [batch[start : start + most] for start in range(0, len(batch), most)]
    ahead: asyncio.Task[list[Read]] | None = None
    try:
        for part, following in zip_longest(parts, parts[1:]):
            reads = await (ahead or _read_all(part))
            ahead = asyncio.create_task(_read_all(following)) if following else None
            yield part, reads
    finally:
        if ahead is not None:
            ahead.cancel()


async def _read_all(batch: Sequence[Delivered]) -> list[Read]:
    reads: list[Read] = []
    for start in range(0, len(batch), _TURN):
        reads += map(read, batch[start : start + _TURN])
        await asyncio.sleep(0)
    return reads


class DeadLetters:
    """Sends what cannot be understood to `<topic>.dead-letter`, before it is recorded as such.

    After a crash between the two it is sent again: at least once.
    """

    def __init__(self, deps: Deps) -> None:
        self._kafka = deps.settings.kafka()
        self._producer: AIOKafkaProducer | None = None

    async def send(self, letters: Sequence[Unreadable]) -> None:
        """Have them acknowledged."""
        if self._producer is None:
            producer = idempotent_producer(
                self._kafka, client_id="abac-log-consumer-letters"
            )
            await producer.start()
            self._producer = producer
        sends = []
        for letter in letters:
            raw = letter.delivered
            headers = [
                *raw.headers,
                ("mithril-why", letter.why.encode()),
                ("mithril-topic", raw.topic.encode()),
                ("mithril-partition", str(raw.partition).encode()),
                ("mithril-offset", str(raw.offset).encode()),
            ]
            topic = f"{raw.topic}.dead-letter"
            sends.append(
                await self._producer.send(topic, raw.value, key=raw.key, headers=headers)
            )
        await asyncio.gather(*sends)

    async def close(self) -> None:
        """End the producer, if there is one."""
        if self._producer is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(5):
                    await self._producer.stop()


def _refused(delivered: Delivered, item: Read) -> Unreadable:
    if isinstance(item, Unreadable):
        return replace(item, why="refused_by_database")
    return Unreadable(
        delivered=delivered,
        why="refused_by_database",
        source=item.source,
        source_sequence=item.source_sequence,
    )
