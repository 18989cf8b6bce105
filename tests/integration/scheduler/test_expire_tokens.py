"""Tokens of users whose passwords are too old are revoked, but for those that set a new one."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from services.mithril_api.domain.minting import Minted
from services.mithril_api.store import tokens
from services.scheduler.domain.runs import Outcome
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.scheduler.office import Office, StoppingClock, until_blocked_by

REVOKED = "mithril.token.revoked.v1"


async def user_with_old_password(office: Office, *, days: int = 90) -> World:
    world = await a_world(office.api)
    await office.do(
        "UPDATE users SET password_set_at = :at WHERE id = :id",
        at=office.clock.now() - timedelta(days=days),
        id=world.user_id,
    )
    return world


def another_token(office: Office, world: World, name: TokenName) -> Minted:
    return a_token(
        office.api, name, world.user_id, world.client_id, lives=timedelta(minutes=30)
    )


async def revoked_of(office: Office, user_id: UUID) -> list[str]:
    return await office.rows(
        "SELECT name FROM tokens WHERE user_id = :id AND revoked_at = :now ORDER BY name",
        id=user_id,
        now=office.clock.now(),
    )


async def test_everything_but_what_sets_a_new_password_is_revoked(office: Office) -> None:
    world = await user_with_old_password(office)
    await store(office.api, *(another_token(office, world, name) for name in TokenName))

    run = await office.run("expire-tokens", password_expiration_days=90)

    wanted = ["access_token", "authorization_code", "refresh_token", "refresh_token"]
    assert await revoked_of(office, world.user_id) == wanted
    assert (run.outcome, run.affected) == (Outcome.SUCCEEDED, 4)
    assert await office.events(REVOKED) == [
        {
            "selector": "user",
            "reason": "password_expired",
            "user_id": str(world.user_id),
            "client_id": None,
            "app_id": None,
            "family_id": None,
            "token_id": None,
            "count": 4,
        }
    ]


async def test_a_password_a_microsecond_younger_still_serves(office: Office) -> None:
    world = await user_with_old_password(office)
    await office.do(
        "UPDATE users SET password_set_at = password_set_at + interval '1 microsecond'"
    )

    assert (await office.run("expire-tokens")).affected == 0
    assert await revoked_of(office, world.user_id) == []


async def test_tokens_that_expired_or_were_revoked_stay_as_they_are(office: Office) -> None:
    await user_with_old_password(office)
    office.clock.advance(timedelta(days=8))
    before = await office.rows("SELECT id, revoked_at, updated_at FROM tokens")

    assert (await office.run("expire-tokens")).affected == 0
    assert await office.rows("SELECT id, revoked_at, updated_at FROM tokens") == before
    assert await office.events(REVOKED) == []


async def test_users_come_in_batches_and_each_has_an_event(office: Office) -> None:
    worlds = [await user_with_old_password(office) for _ in range(5)]

    run = await office.run("expire-tokens", job_batch_size=2)

    assert run.affected == 5
    told = [event["user_id"] for event in await office.events(REVOKED)]
    assert sorted(told) == sorted(str(world.user_id) for world in worlds)
    assert (await office.run("expire-tokens")).affected == 0


async def test_what_a_refresh_under_way_adds_is_revoked_too(office: Office) -> None:
    world = await user_with_old_password(office)
    new = another_token(office, world, TokenName.ACCESS)

    async with office.api.db.begin() as conn:
        held = await tokens.lock(conn, world.refresh.value, TokenName.REFRESH)
        assert held is not None
        pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        running = asyncio.ensure_future(office.run("expire-tokens"))
        await until_blocked_by(pid, office.api.db)
        await tokens.add(conn, [new.token], [])

    assert (await running).affected == 2
    assert await revoked_of(office, world.user_id) == ["access_token", "refresh_token"]


async def test_a_user_who_sets_a_password_now_is_left_alone(office: Office) -> None:
    world = await user_with_old_password(office)

    async with office.api.db.begin() as conn:
        await conn.execute(
            text("UPDATE users SET password_set_at = :now WHERE id = :id"),
            {"now": office.clock.now(), "id": world.user_id},
        )
        during = await office.run("expire-tokens")
    after = await office.run("expire-tokens")

    assert (during.affected, after.affected) == (0, 0)
    assert await revoked_of(office, world.user_id) == []


async def test_told_to_stop_it_ends_after_a_batch_and_the_next_run_does_the_rest(
    office: Office,
) -> None:
    for _ in range(3):
        await user_with_old_password(office)
    stopping = office.replica(job_batch_size=1)
    # Read when the run begins, and twice for a batch.
    clock = StoppingClock(office.clock.now(), at_reading=3, stop=stopping.deps.stop)

    stopped = await office.run("expire-tokens", deps=replace(stopping.deps, clock=clock))
    ended = await office.run("expire-tokens")

    assert (stopped.outcome, stopped.affected) == (Outcome.STOPPED, 1)
    assert (ended.outcome, ended.affected) == (Outcome.SUCCEEDED, 2)
    assert len(await office.events(REVOKED)) == 3
