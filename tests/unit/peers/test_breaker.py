"""When a peer is left alone, and when it is tried again."""

from shared.peers.breaker import Breaker


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = Breaker(tolerated=2, rest=5)
    breaker.failed(0)
    assert breaker.allows(0)
    breaker.failed(0)
    assert not breaker.allows(4.9)


def test_an_answer_between_failures_starts_the_count_again() -> None:
    breaker = Breaker(tolerated=2, rest=5)
    breaker.failed(0)
    breaker.succeeded()
    breaker.failed(0)
    assert breaker.allows(0)


def test_after_a_rest_one_trial_goes_through_and_decides() -> None:
    breaker = Breaker(tolerated=1, rest=5)
    breaker.failed(0)
    assert breaker.allows(5)
    assert not breaker.allows(5)  # the trial is under way
    breaker.failed(6)
    assert not breaker.allows(10.9)
    assert breaker.allows(11)
    breaker.succeeded()
    assert breaker.allows(11)
    assert breaker.allows(11)


def test_a_trial_that_was_given_up_leaves_room_for_another() -> None:
    breaker = Breaker(tolerated=1, rest=5)
    breaker.failed(0)
    assert breaker.allows(5)
    breaker.released()
    assert breaker.allows(5)
