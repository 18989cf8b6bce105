"""How often a token may use a route."""

from services.gatekeeper.domain.rules import Limit
from services.gatekeeper.limiter import Limiter

SECOND = Limit(period="second", seconds=1, most=2)
MINUTE = Limit(period="minute", seconds=60, most=3)


def test_a_limit_counts_down_and_starts_anew_with_its_period() -> None:
    limiter = Limiter(most=100)
    told = [limiter.take(1, "a", (SECOND,), now=100.0) for _ in range(3)]
    assert [within for within, _ in told] == [True, True, False]
    assert [headers["X-RateLimit-Remaining-second"] for _, headers in told] == [
        "1",
        "0",
        "0",
    ]
    assert told[2][1] == {
        "X-RateLimit-Limit-second": "2",
        "X-RateLimit-Remaining-second": "0",
        "Retry-After": "1",
    }
    assert limiter.take(1, "a", (SECOND,), now=101.0)[0]


def test_the_longest_full_period_says_when_to_come_again() -> None:
    limiter = Limiter(most=100)
    for second in range(3):
        assert limiter.take(1, "a", (SECOND, MINUTE), now=120.0 + second)[0]
    within, headers = limiter.take(1, "a", (SECOND, MINUTE), now=130.0)
    assert not within
    assert headers["X-RateLimit-Remaining-second"] == "2"
    assert headers["Retry-After"] == "50"


def test_tokens_and_rules_are_counted_apart() -> None:
    limiter = Limiter(most=100)
    for rule, token in ((1, "a"), (1, "b"), (2, "a")):
        assert limiter.take(rule, token, (SECOND,), now=0.0)[1][
            "X-RateLimit-Remaining-second"
        ] == ("1")


def test_the_least_recently_seen_is_forgotten_first() -> None:
    limiter = Limiter(most=2)
    for token in ("a", "b", "a", "c"):
        limiter.take(1, token, (MINUTE,), now=0.0)
    assert limiter.take(1, "a", (MINUTE,), now=0.0)[1]["X-RateLimit-Remaining-minute"] == (
        "0"
    )
    assert limiter.take(1, "b", (MINUTE,), now=0.0)[1]["X-RateLimit-Remaining-minute"] == (
        "2"
    )
