"""Requests counted ahead: never more pass than may."""

from datetime import UTC, datetime, timedelta

from services.mithril_api import leases
from services.mithril_api.domain.limits import Limit
from services.mithril_api.leases import QuotaLeases

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIMIT = Limit(60_000, 60)
SECOND = timedelta(seconds=1)


def test_a_small_limit_is_counted_one_by_one() -> None:
    assert leases.ahead(Limit(999, 60)) == 0
    assert leases.ahead(LIMIT) == 60


def test_what_was_taken_is_given_out_once() -> None:
    held = QuotaLeases()
    held.keep("a", LIMIT, 3, settles_at=NOON + SECOND, now=NOON)

    assert [held.take("a", LIMIT, 2, now=NOON)[0] for _ in range(3)] == [2, 1, 0]


def test_the_moment_counts_what_is_not_used_yet() -> None:
    held = QuotaLeases()
    held.keep("a", LIMIT, 3, settles_at=NOON + SECOND, now=NOON)

    _, moment = held.take("a", LIMIT, 1, now=NOON)

    assert moment == NOON + SECOND - 2 * LIMIT.interval


def test_another_client_and_another_limit_have_nothing_of_it() -> None:
    held = QuotaLeases()
    held.keep("a", LIMIT, 3, settles_at=NOON, now=NOON)

    assert held.take("b", LIMIT, 1, now=NOON)[0] == 0
    assert held.take("a", Limit(1, 1), 1, now=NOON)[0] == 0


def test_what_is_not_used_in_its_time_is_lost() -> None:
    held = QuotaLeases()
    held.keep("a", LIMIT, 3, settles_at=NOON, now=NOON)

    assert held.take("a", LIMIT, 1, now=NOON + 60 * SECOND)[0] == 0


def test_the_time_of_those_long_gone_is_forgotten() -> None:
    held = QuotaLeases()
    for number in range(10_001):
        held.keep(str(number), LIMIT, 1, settles_at=NOON, now=NOON)
    held.keep("new", LIMIT, 1, settles_at=NOON, now=NOON + 60 * SECOND)

    assert held.take("0", LIMIT, 1, now=NOON)[0] == 0
    assert held.take("new", LIMIT, 1, now=NOON + 61 * SECOND)[0] == 1
