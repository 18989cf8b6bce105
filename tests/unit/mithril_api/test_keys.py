"""Keyed digests and derived successors (D3, D4)."""

import pytest

from services.mithril_api.domain.keys import CONNECTION_SECRET, ONE_TIME_CODE, Keyring

OLD, NEW = "old-key-0123456789", "new-key-0123456789"


def test_a_secret_digested_under_a_former_key_is_still_found() -> None:
    before, after = Keyring.of([OLD]), Keyring.of([NEW, OLD])

    assert before.digest(CONNECTION_SECRET, "s") in after.digests(CONNECTION_SECRET, "s")
    assert after.digest(CONNECTION_SECRET, "s") == after.digests(CONNECTION_SECRET, "s")[0]


def test_a_digest_of_one_purpose_says_nothing_in_another() -> None:
    ring = Keyring.of([NEW])

    assert ring.digest(CONNECTION_SECRET, "123456") != ring.digest(ONE_TIME_CODE, "123456")


def test_a_successor_needs_the_predecessor_the_key_and_the_seed() -> None:
    ring = Keyring.of([NEW])
    made = ring.successors("value", seed="id")

    assert made == ring.successors("value", seed="id")
    assert made != ring.successors("value!", seed="id")
    assert made != ring.successors("value", seed="id!")
    assert made != Keyring.of([OLD]).successors("value", seed="id")
    assert all(0 <= random < 2**128 for random in made)


def test_a_successor_made_under_a_former_key_can_be_made_again() -> None:
    before, after = Keyring.of([OLD]), Keyring.of([NEW, OLD])

    assert before.successors("v", seed="i")[0] in after.successors("v", seed="i")


@pytest.mark.parametrize("secrets", [[], ["short"], [NEW, "short"], [NEW, OLD, NEW]])
def test_no_key_a_short_one_or_a_third_is_refused(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secret key"):
        Keyring.of(secrets)


def test_keys_do_not_print() -> None:
    assert NEW not in repr(Keyring.of([NEW]))
