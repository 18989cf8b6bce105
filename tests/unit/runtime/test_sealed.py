"""Sealed values: for one audience, one purpose, and a while."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.entropy import SystemEntropy
from shared.runtime.sealed import Sealer

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENDS = NOON + timedelta(hours=1)
NEW, OLD = "a key that is long enough", "another key, long enough"


def _sealer(*keys: str, audience: str = "auth-web") -> Sealer:
    return Sealer.of(keys or (NEW,), audience=audience, entropy=SystemEntropy())


def test_what_was_sealed_opens_until_its_moment_and_not_on_it() -> None:
    sealed = _sealer().seal("session", b"payload", expires_at=ENDS)
    before = ENDS - timedelta(seconds=1)
    assert _sealer().open("session", sealed, now=before) == b"payload"
    assert _sealer().open("session", sealed, now=ENDS) is None


def test_another_purpose_audience_or_key_opens_nothing() -> None:
    sealed = _sealer().seal("session", b"payload", expires_at=ENDS)
    assert _sealer().open("state", sealed, now=NOON) is None
    assert _sealer(audience="gatekeeper").open("session", sealed, now=NOON) is None
    assert _sealer(OLD).open("session", sealed, now=NOON) is None


def test_keys_rotate_the_first_seals_and_any_opens() -> None:
    before = _sealer(OLD).seal("session", b"payload", expires_at=ENDS)
    after = _sealer(NEW, OLD).seal("session", b"payload", expires_at=ENDS)
    assert _sealer(NEW, OLD).open("session", before, now=NOON) == b"payload"
    assert _sealer(NEW).open("session", after, now=NOON) == b"payload"


def test_any_flipped_bit_is_noticed() -> None:
    sealed = _sealer().seal("session", b"payload", expires_at=ENDS)
    raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    for place in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[place // 8] ^= 1 << place % 8
        text = base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
        assert _sealer().open("session", text, now=NOON) is None


@given(st.text() | st.from_regex(r"\A[A-Za-z0-9_-]{0,80}\Z"))
def test_no_text_at_all_opens_or_upsets_anything(text: str) -> None:
    assert _sealer().open("session", text, now=NOON) is None


def test_two_seals_of_the_same_differ() -> None:
    sealer = _sealer()
    assert sealer.seal("a", b"b", expires_at=ENDS) != sealer.seal(
        "a", b"b", expires_at=ENDS
    )


@pytest.mark.parametrize("keys", [(), ("short",), (NEW, "short")])
def test_a_short_key_is_refused(keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="16 characters"):
        Sealer.of(keys, audience="a", entropy=SystemEntropy())


def test_a_sealer_does_not_print_its_keys() -> None:
    assert NEW not in repr(_sealer())
