"""Which `traceparent` is believed (W3C Trace Context §3.2)."""

import pytest

from shared.runtime import tracing

GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (GOOD, GOOD),
        (None, None),
        ("", None),
        (GOOD.upper(), None),
        (GOOD + "\n", None),
        ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", None),
        ("00-4bf92f-00f067aa0ba902b7-01", None),
    ],
)
def test_a_traceparent(header: str | None, accepted: str | None) -> None:
    assert tracing.accepted(header) == accepted


def test_the_trace_id_of_the_work_at_hand() -> None:
    assert tracing.trace_id() is None
    token = tracing.current.set(GOOD)
    assert tracing.trace_id() == "4bf92f3577b34da6a3ce929d0e0e4736"
    tracing.current.reset(token)
