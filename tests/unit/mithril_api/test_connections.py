"""Secrets of connections, and who may rotate one (spec §1.4, §3.10)."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from services.mithril_api.domain.api_keys import KeyFacts, KeyVerified, Verdict, judge
from services.mithril_api.domain.connections import (
    SECRET_BITS,
    Connection,
    ConnectionChange,
    Opened,
    changed,
    judge_rotation,
    secret_of,
)
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.ids import ClientId, ConnectionId

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
CLINIC, MIS, OTHER = (ClientId(UUID(int=n)) for n in (1, 2, 3))
THEIRS = Connection(
    id=ConnectionId(UUID(int=9)),
    redirect_uri="https://mis.test/callback",
    client_id=CLINIC,
    consumer_id=MIS,
    inserted_at=NOON,
    updated_at=NOON,
)
OWN = replace(THEIRS, consumer_id=CLINIC)


@given(integers(min_value=0, max_value=2**SECRET_BITS - 1))
def test_a_secret_is_32_letters_and_digits_whatever_the_dice_say(random: int) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]{32}", secret_of(random))


@given(*[integers(min_value=0, max_value=2**SECRET_BITS - 1)] * 2)
def test_no_two_throws_of_the_dice_give_one_secret(first: int, second: int) -> None:
    assert (secret_of(first) == secret_of(second)) == (first == second)


def test_a_secret_holds_more_than_128_bits_and_does_not_print() -> None:
    secret = secret_of(2**SECRET_BITS - 1)

    assert SECRET_BITS >= 128
    assert secret not in repr(
        Opened(expires_at=None, connection=OWN, secret=secret, is_new=True)
    )


@pytest.mark.parametrize(
    ("change", "after"),
    [
        pytest.param(ConnectionChange(), THEIRS, id="nothing said"),
        pytest.param(
            ConnectionChange(redirect_uri=THEIRS.redirect_uri, consumer_id=MIS),
            THEIRS,
            id="nothing new",
        ),
        pytest.param(
            ConnectionChange(consumer_id=CLINIC),
            replace(OWN, updated_at=LATER),
            id="another consumer",
        ),
    ],
)
def test_a_change(change: ConnectionChange, after: Connection) -> None:
    assert changed(THEIRS, change, now=LATER) == after


@pytest.mark.parametrize(
    ("connection", "sent", "owner", "refused"),
    [
        pytest.param(OWN, False, None, None, id="its own"),
        pytest.param(OWN, True, OTHER, None, id="its own, with a needless key"),
        pytest.param(THEIRS, False, None, Reason.API_KEY_UNSET, id="no key"),
        pytest.param(
            THEIRS, True, None, Reason.API_KEY_UNKNOWN_AT_REFRESH, id="unknown key"
        ),
        pytest.param(THEIRS, True, OTHER, Reason.API_KEY_OF_ANOTHER, id="another's key"),
        pytest.param(
            THEIRS, True, CLINIC, Reason.API_KEY_OF_ANOTHER, id="the client's key"
        ),
        pytest.param(THEIRS, True, MIS, None, id="the consumer's key"),
    ],
)
def test_who_may_have_a_new_secret(
    connection: Connection, *, sent: bool, owner: ClientId | None, refused: Reason | None
) -> None:
    verdict = judge_rotation(connection, api_key_sent=sent, key_owner=owner)

    assert verdict == (None if refused is None else Refused(refused))


KEY = KeyFacts(
    client_id=MIS,
    client_is_blocked=False,
    client_type_scope=("a:b", "c:d"),
    broker_scope="a:b",
)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        pytest.param(None, Refused(Reason.API_KEY_UNKNOWN), id="unknown"),
        pytest.param(
            replace(KEY, client_is_blocked=True, broker_scope=None),
            Refused(Reason.CLIENT_BLOCKED_AT_VERIFY),
            id="blocked",
        ),
        pytest.param(
            replace(KEY, broker_scope=None), Refused(Reason.BROKER_SETTINGS), id="no MIS"
        ),
        pytest.param(
            replace(KEY, broker_scope=""), Refused(Reason.BROKER_SETTINGS), id="may nothing"
        ),
        pytest.param(
            KEY,
            KeyVerified(client_id=MIS, scope=("a:b", "c:d"), broker_scope="a:b"),
            id="a MIS",
        ),
    ],
)
def test_a_key_that_comes_alone(facts: KeyFacts | None, verdict: Verdict) -> None:
    assert judge(facts) == verdict
