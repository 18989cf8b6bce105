"""Links in mails, and when a mail is tried again."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus
from uuid import UUID

import pytest

from services.mithril_api.domain.keys import RECOVERY_LINK, Keyring
from services.mithril_api.domain.mails import (
    BACKOFF,
    password_changed_letter,
    recovery_letter,
)
from services.mithril_api.domain.recovery import (
    Recovery,
    Return,
    link_of,
    usable,
    value_of,
)
from shared.models.ids import ClientId, UserId

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLIENT = ClientId(UUID(int=5))
RING = Keyring.of(["key-for-tests-0123456789"])


def test_a_value_fits_a_path_and_is_the_same_at_every_try() -> None:
    first, second = (value_of(RING.digest(RECOVERY_LINK, "an id")) for _ in range(2))

    assert first == second
    assert len(first) == 32
    assert first.isalnum()
    assert first != value_of(RING.digest(RECOVERY_LINK, "another id"))


@pytest.mark.parametrize(
    ("goal", "link"),
    [
        (None, "https://auth.test/reset/abc"),
        (
            Return(client_id=CLIENT, redirect_uri="https://clinic.test/cb?a=1&b=2"),
            f"https://auth.test/reset/abc?client_id={CLIENT}&redirect_uri="
            + quote_plus("https://clinic.test/cb?a=1&b=2"),
        ),
    ],
)
@pytest.mark.parametrize("base", ["https://auth.test", "https://auth.test/"])
def test_a_link_leads_to_the_page_and_on(base: str, goal: Return | None, link: str) -> None:
    assert link_of(base, "abc", goal) == link


def test_a_link_ends_on_the_dot() -> None:
    recovery = Recovery(id=UUID(int=1), user_id=UserId(UUID(int=2)), expires_at=NOON)

    assert usable(recovery, now=NOON - timedelta(microseconds=1)) is recovery
    assert usable(recovery, now=NOON) is None
    assert usable(None, now=NOON) is None


def test_tries_come_later_each_time_and_never_during_one() -> None:
    lease = timedelta(seconds=40)
    pauses = [BACKOFF.next_attempt(n, now=NOON, lease=lease) - NOON for n in range(9)]

    minutes = [pause.total_seconds() / 60 for pause in pauses]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert BACKOFF.next_attempt(
        0, now=NOON, lease=timedelta(minutes=3)
    ) - NOON == timedelta(minutes=3)
    assert BACKOFF.next_attempt(10**9, now=NOON, lease=lease) - NOON == timedelta(hours=1)


def test_a_mail_is_given_up_after_a_day() -> None:
    assert not BACKOFF.is_hopeless(NOON, now=NOON + timedelta(hours=23, minutes=59))
    assert BACKOFF.is_hopeless(NOON, now=NOON + timedelta(hours=24))


def test_letters_speak_both_languages_and_show_nothing_in_a_log() -> None:
    recovery = recovery_letter(
        "doctor@clinic.test",
        link="https://auth.test/reset/abc",
        lives=timedelta(minutes=25),
    )
    changed = password_changed_letter("doctor@clinic.test", at=NOON)

    assert "https://auth.test/reset/abc" in recovery.body
    assert "25 хв" in recovery.body
    assert "25 minutes" in recovery.body
    assert changed.body.count("2026-11-24 12:00 UTC") == 2
    assert "reset/abc" not in repr(recovery)
    assert "clinic.test" not in repr(recovery)
