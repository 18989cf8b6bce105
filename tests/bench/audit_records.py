"""Records as Kafka delivers them, and a long log to look a patient up in."""

import asyncio
import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from services.abac_log_consumer.domain.records import Delivered
from shared.events.abac import DecisionMade
from shared.events.envelope import headers
from shared.models.access import Consumer, Context, Resource
from shared.runtime.partitions import Partition, Unit, partition_of

PATIENTS = 50_000
MONTHS = 12
_HISTORY = Path(__file__).with_name("history.sql")
_KAFKA_PARTITIONS = 6


def delivered(count: int) -> list[Delivered]:
    """So many decisions, one millisecond after another, in the partitions of their keys."""
    offsets: list[Iterator[int]] = [itertools.count() for _ in range(_KAFKA_PARTITIONS)]
    started = datetime.now(UTC) - timedelta(minutes=30)
    return [
        _delivered(number, started + timedelta(milliseconds=number), offsets)
        for number in range(count)
    ]


def identifier(kind: str, number: int) -> UUID:
    """The same as `md5(kind || number)::uuid` in SQL."""
    digest = hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False)
    return UUID(bytes=digest.digest())


def _delivered(number: int, at: datetime, offsets: list[Iterator[int]]) -> Delivered:
    patient = number * 7 % PATIENTS
    partition = patient % _KAFKA_PARTITIONS
    event = _decision(number, patient, at)
    return Delivered(
        topic=DecisionMade.topic,
        partition=partition,
        offset=next(offsets[partition]),
        key=event.key().encode(),
        value=event.payload(),
        headers=tuple(
            headers(
                event_id=event.decision_id,
                source="abac-api",
                event_type=event.type,
                at=at,
                sequence=number + 1,
                subject=event.key(),
                traceparent=f"00-{identifier('trace', number).hex}-00f067aa0ba902b7-01",
            )
        ),
    )


def _decision(number: int, patient: int, at: datetime) -> DecisionMade:
    is_permitted = number % 5 != 0
    return DecisionMade(
        decision_id=identifier("decision", number),
        consumer=Consumer(
            user_id=identifier("user", number % 20_000),
            client_id=identifier("entity", number % 2_000),
            client_type="MIS",
            mis_client_id=identifier("mis", number % 40),
        ),
        resource=Resource(type="episode", id=identifier("episode", patient), action="read"),
        contexts=(
            Context(type="patient", id=identifier("patient", patient)),
            Context(type="episode", id=identifier("episode", patient)),
        ),
        patient_id=identifier("patient", patient),
        result=is_permitted,
        rules=("rule_1",) if is_permitted else (),
        reason=None if is_permitted else "no_rule_matched",
        policy_version="0123456789abcdef0123456789abcdef",
        request_id=f"bench-{number:026d}",
        decided_at=at,
    )


def months(count: int) -> list[Partition]:
    """The partitions of the last months, this one first."""
    found = [partition_of("decisions", Unit.MONTH, datetime.now(UTC))]
    while len(found) < count:
        before = found[-1].start - timedelta(days=1)
        found.append(partition_of("decisions", Unit.MONTH, before))
    return found


async def fill_history(url: str, count: int) -> None:
    """A log of so many records over the last months, a partition a month.

    Two at a time: while the indexes of one are built, the rows of the next are made.
    """
    each, room = count // MONTHS, asyncio.Semaphore(2)
    await asyncio.gather(
        *(
            _fill_month(url, month, room, first=ago * each, count=each)
            for ago, month in enumerate(months(MONTHS))
        )
    )
    conn = await asyncpg.connect(url, command_timeout=3600)
    await conn.execute("VACUUM ANALYZE")
    await conn.close()


async def _fill_month(
    url: str, month: Partition, room: asyncio.Semaphore, *, first: int, count: int
) -> None:
    async with room:
        conn = await asyncpg.connect(url, command_timeout=3600)
        await conn.execute("SET maintenance_work_mem = '512MB'")
        statements = _HISTORY.read_text().format(
            partition=month.name,
            start=month.start,
            end=month.end,
            first=first,
            last=first + count - 1,
            patients=PATIENTS,
        )
        await conn.execute(statements)
        await conn.close()
