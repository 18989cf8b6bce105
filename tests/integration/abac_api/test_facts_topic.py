"""Topic abac.facts against a real Kafka and a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import text

import services.abac_api
from services.abac_api.app import Built, build
from services.abac_api.consume import FactsConsumer
from services.abac_api.domain.told import Told
from services.abac_api.store import facts
from shared.runtime import migrate
from shared.runtime.embedded_postgres import EmbeddedPostgres
from shared.runtime.postgres import DatabaseUnavailableError
from tests.integration.abac_api.conftest import settings_for
from tests.integration.abac_api.telling import (
    EARLIER,
    LATER,
    a_declaration,
    an_approval,
    an_employee,
    told,
    withdrawn,
)
from tests.integration.abac_api.topic import Sent, but, read, record_of, send_to, until
from tests.neighbours.ladder import Broker

_PACKAGE = Path(services.abac_api.__file__).parent


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A topic of one test's own, with what consumes it."""

    built: Built
    bootstrap: str
    topic: str

    @property
    def dead_letters(self) -> str:
        return f"{self.topic}.dead-letter"

    def counted(self, name: str, **labels: str) -> float:
        return self.built.registry.get_sample_value(name, labels) or 0.0

    def lags(self) -> list[float]:
        (lag,) = self.built.metrics.facts_lag.collect()
        return [sample.value for sample in lag.samples]

    def consumer(self) -> FactsConsumer:
        return FactsConsumer(
            deps=self.built.deps,
            metrics=self.built.metrics,
            kafka=self.built.deps.settings.kafka(),
            topic=self.topic,
            dead_letters=self.dead_letters,
        )


@asynccontextmanager
async def a_lane(url: str, bootstrap: str) -> AsyncIterator[Lane]:
    topic = f"test-{uuid4()}"
    settings = settings_for(url, kafka_bootstrap_servers=bootstrap, facts_group=topic)
    built = build(settings)
    yield Lane(built=built, bootstrap=bootstrap, topic=topic)
    await built.deps.db.dispose()


@pytest.fixture
async def lane(abac_database: str, kafka_bootstrap: str) -> AsyncIterator[Lane]:
    async with a_lane(abac_database, kafka_bootstrap) as made:
        yield made


@asynccontextmanager
async def consuming(lane: Lane) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(lane.consumer().run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def send(lane: Lane, records: Sequence[Sent]) -> None:
    await send_to(lane.bootstrap, lane.topic, records)


async def holds(lane: Lane, item: Told) -> bool:
    try:
        async with lane.built.deps.db.read() as conn:
            return await facts.find(conn, item.kind, item.id) == item
    except DatabaseUnavailableError:
        return False


async def test_facts_of_the_topic_are_kept(lane: Lane) -> None:
    items = [told(an_employee()), told(a_declaration(active_to=LATER))]
    items += [
        told(an_approval(granted_to_legal_entity_id=uuid4())),
        withdrawn(an_employee()),
    ]
    await send(lane, [record_of(item) for item in items])

    async with consuming(lane):
        for item in items:
            await until(partial(holds, lane, item))


async def test_an_older_fact_that_comes_later_changes_nothing(lane: Lane) -> None:
    job = an_employee()
    now, older = told(job), told(replace(job, is_active=False), at=EARLIER)
    last = told(an_employee())
    await send(lane, [record_of(item) for item in (now, older)])

    async with consuming(lane):
        await until(
            lambda: (
                lane.counted("mithril_abac_facts_total", kind="employee", outcome="older")
                + lane.counted("mithril_abac_facts_total", kind="employee", outcome="kept")
                >= 1
            )
        )
        await send(lane, [record_of(replace(last, at=now.at))])
        await until(lambda: holds(lane, last))

    assert await holds(lane, now)


async def test_everything_delivered_again_ends_where_it_was(lane: Lane) -> None:
    job = an_employee()
    items = [
        told(job, at=EARLIER),
        told(replace(job, is_active=False)),
        withdrawn(job, at=LATER),
    ]
    last = told(an_employee())
    records = [record_of(item) for item in items]
    async with consuming(lane):
        await send(lane, records)
        await until(lambda: holds(lane, items[-1]))

        await send(lane, [*records, record_of(last)])
        await until(lambda: holds(lane, last))
        await until(
            lambda: (
                lane.counted("mithril_abac_facts_total", kind="employee", outcome="older")
                >= 3
            )
        )

    assert await holds(lane, items[-1])


async def test_a_consumer_that_starts_again_goes_on_after_what_it_kept(lane: Lane) -> None:
    first, second = told(an_employee()), told(an_employee())
    await send(lane, [record_of(first)])
    async with consuming(lane):
        await until(lambda: holds(lane, first))

    await send(lane, [record_of(second)])
    async with consuming(lane):
        await until(lambda: holds(lane, second))

    kept = lane.counted("mithril_abac_facts_total", kind="employee", outcome="kept")
    older = lane.counted("mithril_abac_facts_total", kind="employee", outcome="older")
    assert (kept, older) == (2, 0)


GOOD = record_of(told(an_employee()))
NO_FACT = orjson.dumps({"kind": "employee", "id": str(uuid4())})
WRONG_FACT = orjson.dumps(
    {"kind": "employee", "id": str(uuid4()), "fact": {"user_id": "x"}}
)
NEW_KIND = orjson.dumps({"kind": "referral", "id": str(uuid4()), "fact": {}})
POISON = [
    ("headers", "ce_type is missing", replace(GOOD, headers=[])),
    ("headers", "ce_id is missing", but(GOOD, id=None)),
    ("headers", "ce_time is no time with an offset", but(GOOD, time="2026-11-24")),
    ("headers", "an attribute is no UTF-8", replace(GOOD, headers=[("ce_id", b"\xff")])),
    (
        "unknown_type",
        "mithril.abac.fact-upserted.v2",
        but(GOOD, type="mithril.abac.fact-upserted.v2"),
    ),
    ("unreadable", "no JSON", replace(GOOD, value=b"\xff{")),
    ("unreadable", "no JSON", replace(GOOD, value=None)),
    ("unreadable", "no JSON object", replace(GOOD, value=b"[]")),
    ("unknown_kind", "$.kind", replace(GOOD, value=NEW_KIND)),
    ("unknown_kind", "$.kind", replace(GOOD, value=b'{"kind": []}')),
    ("invalid", "$.id", replace(GOOD, value=b'{"kind": "employee", "id": 7}')),
    ("invalid", "$.fact", replace(GOOD, value=NO_FACT)),
    (
        "invalid",
        (
            "$.fact.user_id is invalid; $.fact.legal_entity_id can't be blank; "
            "$.fact.is_active can't be blank"
        ),
        replace(GOOD, value=WRONG_FACT),
    ),
    ("from_the_future", "ce_time", but(GOOD, time="9999-12-31T00:00:00Z")),
]


async def test_what_cannot_be_kept_is_put_aside_as_it_came_and_its_neighbours_are_kept(
    lane: Lane,
) -> None:
    before, after = told(an_employee()), told(an_employee())
    records = [record_of(before), *(sent for _, _, sent in POISON), record_of(after)]
    await send(lane, records)

    async with consuming(lane):
        await until(lambda: holds(lane, before))
        await until(lambda: holds(lane, after))
        found = await read(
            lane.bootstrap, lane.dead_letters, until=lambda them: len(them) >= len(POISON)
        )

    by_place = {
        (where["dead_letter_partition"], where["dead_letter_offset"]): (record, where)
        for record in found
        if (where := dict(record.headers))
    }
    assert len(by_place) == len(found) == len(POISON)
    for reason, detail, sent in POISON:
        assert any(
            record.value == sent.value
            and record.key == sent.key
            and list(record.headers[: len(sent.headers)]) == sent.headers
            and where["dead_letter_reason"] == reason.encode()
            and where["dead_letter_detail"] == detail.encode()
            and where["dead_letter_topic"] == lane.topic.encode()
            for record, where in by_place.values()
        ), (reason, detail)
    for reason in {reason for reason, _, _ in POISON}:
        count = sum(1 for other, _, _ in POISON if other == reason)
        assert lane.counted("mithril_abac_dead_letters_total", reason=reason) == count


async def test_a_fact_that_the_database_refuses_is_put_aside_alone(lane: Lane) -> None:
    items = [told(an_employee()) for _ in range(3)]
    async with lane.built.deps.db.begin() as conn:
        check = f"ALTER TABLE employees ADD CHECK (id <> '{items[1].id}')"
        await conn.execute(text(check))
    await send(lane, [record_of(item) for item in items])

    async with consuming(lane):
        (found,) = await read(lane.bootstrap, lane.dead_letters, until=bool)
        await until(lambda: holds(lane, items[0]))
        await until(lambda: holds(lane, items[2]))

    assert found.key == str(items[1].id).encode()
    assert dict(found.headers)["dead_letter_reason"] == b"refused"
    assert not await holds(lane, items[1])


async def test_of_a_record_too_large_to_copy_its_place_is_put_aside(lane: Lane) -> None:
    after = told(an_employee())
    large = replace(GOOD, value=b"x" * (1_048_576 - 520))
    await send(lane, [large, record_of(after)])

    async with consuming(lane):
        await until(lambda: holds(lane, after))
        (found,) = await read(lane.bootstrap, lane.dead_letters, until=bool)

    where = dict(found.headers)
    assert found.value is None
    assert where["dead_letter_topic"] == lane.topic.encode()
    assert where["dead_letter_offset"] == b"0"


async def test_an_event_id_may_be_any_text(lane: Lane) -> None:
    job = an_employee()
    await send(lane, [but(record_of(told(job)), id="A-17")])

    async def is_known() -> bool:
        async with lane.built.deps.db.read() as conn:
            held = await facts.find(conn, told(job).kind, job.id)
        return held is not None and held.fact == job

    async with consuming(lane):
        await until(is_known)


async def test_while_postgresql_is_away_it_waits_and_then_goes_on(
    own_postgres: EmbeddedPostgres, kafka_bootstrap: str
) -> None:
    await asyncio.to_thread(own_postgres.create_database, "abac")
    url = own_postgres.url("abac")
    await asyncio.to_thread(migrate.upgrade, _PACKAGE, url)
    first, second = told(an_employee()), told(an_employee())

    async with a_lane(url, kafka_bootstrap) as lane, consuming(lane):
        await send(lane, [record_of(first)])
        await until(lambda: holds(lane, first))
        await asyncio.to_thread(own_postgres.kill)

        await send(lane, [record_of(second)])
        await until(lambda: lane.counted("mithril_abac_facts_failures_total") >= 2)
        assert sum(lane.lags()) == 1
        await asyncio.to_thread(own_postgres.start)

        await until(lambda: holds(lane, second))
        await until(lambda: sum(lane.lags()) == 0)


async def test_while_kafka_is_away_it_waits_and_then_goes_on(
    abac_database: str, own_kafka: Broker
) -> None:
    first, second = told(an_employee()), told(an_employee())

    async with a_lane(abac_database, own_kafka.address) as lane, consuming(lane):
        await send(lane, [record_of(first)])
        await until(lambda: holds(lane, first))
        await asyncio.to_thread(own_kafka.kill)
        await asyncio.to_thread(own_kafka.start)

        await send(lane, [record_of(second)])
        await until(lambda: holds(lane, second))
