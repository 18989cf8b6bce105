"""Facts in the table: the last writer by event time, tombstones, any order, any repetition."""

import asyncio
import random

import pytest

from services.abac_api.domain.told import Fact, Told, latest_of
from services.abac_api.store import facts
from shared.runtime.postgres import Database
from tests.integration.abac_api.conftest import Api
from tests.integration.abac_api.telling import (
    EARLIER,
    LATER,
    NOON,
    a_declaration,
    a_justification,
    a_merge,
    a_resource,
    an_approval,
    an_employee,
    told,
    withdrawn,
)
from tests.races import until_waiting

ONE_OF_EACH: list[Fact] = [
    an_employee(),
    a_declaration(active_to=LATER),
    an_approval(granted_to_employee_id=an_employee().id),
    a_resource(episode_id=a_resource().id, composition_id=a_resource().id),
    a_merge(an_employee().id, an_employee().id),
    a_justification(),
]


async def keep(db: Database, *items: Told) -> list[bool]:
    async with db.begin() as conn:
        return await facts.upsert_many(conn, items)


async def held(db: Database, item: Told) -> Told | None:
    async with db.read() as conn:
        return await facts.find(conn, item.kind, item.id)


@pytest.mark.parametrize("fact", ONE_OF_EACH, ids=lambda fact: type(fact).__name__)
async def test_what_was_told_is_found_as_it_was_told(api: Api, fact: Fact) -> None:
    item = told(fact)

    assert await keep(api.deps.db, item) == [True]
    assert await held(api.deps.db, item) == item


async def test_one_batch_keeps_facts_of_every_kind(api: Api) -> None:
    items = [told(fact) for fact in ONE_OF_EACH]

    assert await keep(api.deps.db, *items) == [True] * 6
    assert [await held(api.deps.db, item) for item in items] == items


async def test_an_older_fact_changes_nothing(api: Api) -> None:
    job = an_employee()
    now, older = told(job), told(an_employee(id=job.id, is_active=False), at=EARLIER)

    await keep(api.deps.db, now)

    assert await keep(api.deps.db, older) == [False]
    assert await held(api.deps.db, now) == now


async def test_a_withdrawn_fact_is_not_revived_by_an_older_one(api: Api) -> None:
    job = an_employee()
    end = withdrawn(job)
    await keep(api.deps.db, told(job, at=EARLIER))
    async with api.deps.db.begin() as conn:
        assert await facts.withdraw(conn, end)

    assert await keep(api.deps.db, told(job, at=EARLIER)) == [False]
    assert await held(api.deps.db, end) == end


async def test_a_withdrawal_that_overtakes_its_fact_still_counts(api: Api) -> None:
    job = an_employee()
    end = withdrawn(job)

    assert await keep(api.deps.db, end) == [True]
    assert await keep(api.deps.db, told(job, at=EARLIER)) == [False]
    assert await held(api.deps.db, end) == end


async def test_a_later_fact_comes_back_after_a_withdrawal(api: Api) -> None:
    job = an_employee()
    again = told(job, at=LATER)
    await keep(api.deps.db, withdrawn(job))

    assert await keep(api.deps.db, again) == [True]
    assert await held(api.deps.db, again) == again


@pytest.mark.parametrize("seed", range(5))
async def test_any_order_in_any_batches_ends_at_what_is_believed(
    api: Api, seed: int
) -> None:
    dice = random.Random(seed)
    jobs = [an_employee() for _ in range(4)]
    items = [
        dice.choice([told, withdrawn])(job, at=at)
        for job in jobs
        for at in (EARLIER, NOON, NOON, LATER, LATER)
    ]
    deliveries = items * 2
    dice.shuffle(deliveries)

    while deliveries:
        size = dice.randint(1, 7)
        await keep(api.deps.db, *deliveries[:size])
        del deliveries[:size]

    for item in latest_of(items):
        assert await held(api.deps.db, item) == item


async def test_the_same_batch_from_two_consumers_at_once_ends_as_from_one(
    api: Api,
) -> None:
    jobs = [an_employee() for _ in range(200)]
    items = [told(job) for job in jobs] + [withdrawn(job, at=LATER) for job in jobs[::2]]
    backwards = items[::-1]

    results = await asyncio.gather(
        *(keep(api.deps.db, *batch) for batch in (items, backwards, items, backwards))
    )

    assert sum(sum(result) for result in results) == len(jobs)
    for item in latest_of(items):
        assert await held(api.deps.db, item) == item


async def test_two_transactions_wait_for_one_another_in_one_order(api: Api) -> None:
    first, second = sorted((an_employee(), an_employee()), key=lambda job: job.id.int)
    last = [told(job, at=LATER + (LATER - NOON)) for job in (second, first)]
    await keep(api.deps.db, told(first), told(second))

    async with api.deps.db.begin() as conn:
        await facts.upsert_many(conn, [told(first, at=LATER)])
        waiting = asyncio.create_task(keep(api.deps.db, *last))
        await until_waiting(api.deps)
        # Were `second` locked by the one that waits, this would be a deadlock.
        await facts.upsert_many(conn, [told(second, at=LATER)])

    assert await waiting == [True, True]
