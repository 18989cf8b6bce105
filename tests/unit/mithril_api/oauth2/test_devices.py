"""Codes that people type, and how often a device may ask."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.mithril_api.domain.oauth2 import devices
from services.mithril_api.domain.oauth2.devices import DeviceRequest, Polled, Waiting
from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault
from shared.models.ids import ClientId

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
OURS, THEIRS = ClientId(UUID(int=1)), ClientId(UUID(int=2))


def waiting(*, polled: int | None = None, denied: bool = False) -> Waiting:
    """A request of a device that polled so many seconds ago."""
    return Waiting(
        client_id=OURS,
        request=DeviceRequest(),
        interval=5,
        polled_at=None if polled is None else NOON - timedelta(seconds=polled),
        denied_at=NOON if denied else None,
        expires_at=NOON + timedelta(minutes=1),
    )


def code_of(verdict: Polled | Fault) -> ErrorCode:
    return verdict.fault.code if isinstance(verdict, Polled) else verdict.code


@pytest.mark.parametrize(
    ("kept", "client_id", "later", "expected"),
    [
        pytest.param(waiting(), OURS, 0, "authorization_pending", id="first poll"),
        pytest.param(waiting(polled=5), OURS, 0, "authorization_pending", id="in time"),
        pytest.param(waiting(polled=4), OURS, 0, "authorization_pending", id="jitter"),
        pytest.param(waiting(polled=3), OURS, 0, "slow_down", id="too soon"),
        pytest.param(waiting(polled=3), OURS, 60, "expired_token", id="on the dot"),
        pytest.param(waiting(denied=True), OURS, 0, "access_denied", id="refused"),
        pytest.param(waiting(denied=True), OURS, 60, "access_denied", id="refused, late"),
        pytest.param(waiting(), THEIRS, 0, "invalid_grant", id="another client's"),
    ],
)
def test_what_a_device_is_told(
    kept: Waiting, client_id: ClientId, later: int, expected: str
) -> None:
    now = NOON + timedelta(seconds=later)

    assert code_of(devices.judge(kept, client_id=client_id, now=now)) == expected


def test_whoever_polls_too_soon_has_to_wait_longer_from_then_on() -> None:
    verdict = devices.judge(waiting(polled=0), client_id=OURS, now=NOON)

    assert isinstance(verdict, Polled)
    assert (verdict.kept.interval, verdict.kept.polled_at) == (10, NOON)


@pytest.mark.parametrize(
    "text",
    [
        "WDJB-MJHT",
        "wdjbmjht",
        " wdjb mjht ",
        "WDJB\u2013MJHT",
        "WDJ\u0412-MJ\u041d\u0422",  # of a Ukrainian keyboard
        "wdj\u0432-mj\u043d\u0442",
    ],
)
def test_a_code_is_known_however_it_is_typed(text: str) -> None:
    assert devices.typed(text) == "WDJBMJHT"


@pytest.mark.parametrize(
    "text", ["", "WDJB-MJH", "WDJB-MJHTT", "WDJA-MJHT", "WDJ0-MJHT", "\x00", "ß" * 4]
)
def test_what_can_be_no_code_is_none(text: str) -> None:
    assert devices.typed(text) is None


def test_every_number_has_a_code_of_its_own_that_reads_as_it_is_shown() -> None:
    numbers = (0, 1, devices.CODES // 2, devices.CODES - 1)
    codes = [devices.user_code(number) for number in numbers]

    assert len(set(codes)) == len(numbers)
    assert [devices.typed(devices.shown(code)) for code in codes] == codes
