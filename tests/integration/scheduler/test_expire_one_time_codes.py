"""One-time codes past their time are marked so."""

from datetime import datetime, timedelta

from sqlalchemy import text

from services.scheduler.domain.runs import Outcome
from tests.integration.scheduler.office import Office


async def a_code(
    office: Office, *, key: str, ends: datetime | None, active: bool = True
) -> None:
    await office.do(
        "INSERT INTO one_time_codes (id, key, code_digest, code_expired_at, status, active) "
        "VALUES (:id, :key, '\\x00', :ends, 'NEW', :active)",
        id=office.api.entropy.uuid(),
        key=key,
        ends=ends,
        active=active,
    )


async def states(office: Office) -> list[tuple[str, str, bool]]:
    return await office.rows("SELECT key, status, active FROM one_time_codes ORDER BY key")


async def test_active_codes_past_their_time_become_expired_and_no_other(
    office: Office,
) -> None:
    now = office.clock.now()
    await a_code(office, key="a past", ends=now - timedelta(microseconds=1))
    await a_code(office, key="b on the dot", ends=now)
    await a_code(office, key="c later", ends=now + timedelta(seconds=1))
    await a_code(office, key="d used", ends=now - timedelta(days=1), active=False)
    await a_code(office, key="e endless", ends=None)

    run = await office.run("expire-one-time-codes")

    assert (run.outcome, run.affected) == (Outcome.SUCCEEDED, 1)
    assert await states(office) == [
        ("a past", "EXPIRED", False),
        ("b on the dot", "NEW", True),
        ("c later", "NEW", True),
        ("d used", "NEW", False),
        ("e endless", "NEW", True),
    ]


async def test_codes_come_in_batches(office: Office) -> None:
    ends = office.clock.now() - timedelta(minutes=1)
    for number in range(5):
        await a_code(office, key=str(number), ends=ends)

    run = await office.run("expire-one-time-codes", job_batch_size=2)

    assert run.affected == 5
    assert {status for _, status, _ in await states(office)} == {"EXPIRED"}


async def test_a_code_that_is_being_entered_is_left_to_the_next_run(
    office: Office,
) -> None:
    ends = office.clock.now() - timedelta(minutes=1)
    await a_code(office, key="held", ends=ends)
    await a_code(office, key="other", ends=ends)

    async with office.api.db.begin() as conn:
        held = "SELECT id FROM one_time_codes WHERE key = 'held' FOR UPDATE"
        await conn.execute(text(held))
        during = await office.run("expire-one-time-codes")
    after = await office.run("expire-one-time-codes")

    assert (during.affected, after.affected) == (1, 1)
