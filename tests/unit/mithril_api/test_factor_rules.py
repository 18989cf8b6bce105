"""Rules of second factors: codes, apps, seals, locks, step-up."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.mithril_api.domain import factor_locks, one_time_codes, step_up, totp
from services.mithril_api.domain.factor_locks import Tally
from services.mithril_api.domain.factors import (
    ASKED_BY_CODE,
    ActiveFactor,
    FactorId,
    FactorType,
    choose,
)
from services.mithril_api.domain.keys import Keyring
from services.mithril_api.domain.one_time_codes import Code, Judged, Status
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.sealing import Unsealed, seal, unseal
from services.mithril_api.settings_factors import FactorSettings
from shared.models.ids import AppId, FamilyId, TokenId, UserId
from shared.models.tokens import TokenName

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SMS = ActiveFactor(id=FactorId(UUID(int=1)), kind=FactorType.SMS, number="+380670000000")
APP = ActiveFactor(id=FactorId(UUID(int=2)), kind=FactorType.TOTP)
KEY = ActiveFactor(id=FactorId(UUID(int=3)), kind=FactorType.WEBAUTHN)
UNSET = ActiveFactor(id=FactorId(UUID(int=4)), kind=FactorType.SMS, is_ready=False)
UNKNOWN, NOT_SET = Refused(Reason.FACTOR_UNKNOWN), Refused(Reason.FACTOR_NOT_SET)


@pytest.mark.parametrize(
    ("known", "named", "chosen"),
    [
        pytest.param([], None, UNKNOWN, id="there is none"),
        pytest.param([UNSET], None, NOT_SET, id="none is set up"),
        pytest.param([KEY], None, NOT_SET, id="none gives codes"),
        pytest.param([KEY, APP, SMS], None, SMS, id="the phone is asked for first"),
        pytest.param([APP, SMS], APP.id, APP, id="the one that is named"),
        pytest.param([SMS], APP.id, UNKNOWN, id="another that is named"),
        pytest.param([SMS, KEY], KEY.id, NOT_SET, id="one that gives no codes"),
    ],
)
def test_the_factor_that_a_code_is_of(
    known: list[ActiveFactor], named: FactorId | None, chosen: ActiveFactor | Refused
) -> None:
    assert choose(known, kinds=ASKED_BY_CODE, factor_id=named) == chosen


def code(**but: Any) -> Code:
    values: dict[str, Any] = {
        "id": UUID(int=9),
        "digest": b"d",
        "status": Status.NEW,
        "attempts": 0,
        "expires_at": NOON + MINUTE,
    }
    return Code(**{**values, **but})


@pytest.mark.parametrize(
    ("known", "is_right", "status", "attempts", "reason"),
    [
        pytest.param(code(), True, Status.VERIFIED, 0, None, id="right"),
        pytest.param(code(), False, Status.NEW, 1, Reason.OTP_INVALID, id="wrong"),
        pytest.param(code(attempts=2), True, Status.VERIFIED, 2, None, id="right at last"),
        pytest.param(
            code(attempts=3), True, Status.UNVERIFIED, 3, Reason.OTP_ATTEMPTS, id="too late"
        ),
        pytest.param(
            code(expires_at=NOON), True, Status.EXPIRED, 0, Reason.OTP_EXPIRED, id="over"
        ),
        pytest.param(
            code(expires_at=None), True, Status.EXPIRED, 0, Reason.OTP_EXPIRED, id="no end"
        ),
        pytest.param(
            code(status=Status.UNVERIFIED, attempts=3),
            True,
            Status.UNVERIFIED,
            3,
            Reason.OTP_ATTEMPTS,
            id="given up",
        ),
        pytest.param(None, False, Status.EXPIRED, 0, Reason.OTP_EXPIRED, id="none"),
        *(
            pytest.param(code(status=item), True, item, 0, Reason.OTP_EXPIRED, id=item)
            for item in (
                Status.VERIFIED,
                Status.CANCELED,
                Status.EXPIRED,
                Status.COMPLETED,
            )
        ),
    ],
)
def test_an_answer_to_a_code_that_was_sent(
    known: Code | None, is_right: bool, status: Status, attempts: int, reason: Reason | None
) -> None:
    judged = one_time_codes.judge(known, is_right=is_right, most=3, now=NOON)

    assert judged == Judged(status=status, attempts=attempts, reason=reason)


def test_a_code_is_written_with_all_its_zeros() -> None:
    assert one_time_codes.code_of(42, 6) == "000042"
    assert one_time_codes.message_of("Code: <otp.code>!", "042") == "Code: 042!"
    assert one_time_codes.message_of("Code", "042") == "042"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("token===+380901234533", "token===+38090*****33"),
        ("doctor@clinic.test===+380901234533", "doctor@clinic.test===+38090*****33"),
        ("+380901234533", "+38090*****33"),
        ("", ""),
    ],
)
def test_a_key_is_shown_without_the_number(key: str, shown: str) -> None:
    assert one_time_codes.shown_key(key) == shown


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        # RFC 6238 appendix B, SHA-1, the last six of its eight digits.
        (59, "287082"),
        (1111111109, "081804"),
        (1234567890, "005924"),
        (20000000000, "353130"),
    ],
)
def test_codes_of_apps_are_those_of_the_rfc(seconds: int, expected: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    secret = b"12345678901234567890"

    step = totp.accepted_step(secret, expected, now=now, after=None)

    assert step == seconds // 30
    assert totp.accepted_step(secret, expected, now=now, after=step) is None
    assert totp.accepted_step(secret, expected.lstrip("0"), now=now, after=None) == step
    assert totp.accepted_step(secret, "000000", now=now, after=None) is None


def test_a_sealed_secret_opens_for_its_owner_and_under_our_keys_alone() -> None:
    old, new = (Keyring.of([name * 16]).sealing_keys("x")[0] for name in "ab")
    sealed = seal([old], b"secret", nonce=7, owner=b"me")

    assert unseal([old], sealed, owner=b"me") == Unsealed(b"secret", is_stale=False)
    assert unseal([new, old], sealed, owner=b"me") == Unsealed(b"secret", is_stale=True)
    assert unseal([new], sealed, owner=b"me") is None
    assert unseal([old], sealed, owner=b"you") is None
    assert unseal([old], sealed[:-1], owner=b"me") is None
    assert b"secret" not in sealed


class TestLocks:
    def after(self, tally: Tally, wrong: int = 1) -> Tally:
        for _ in range(wrong):
            tally = factor_locks.after_wrong(tally, most=3, lasts=MINUTE, now=NOON)
        return tally

    def test_come_with_the_last_wrong_code_that_is_allowed(self) -> None:
        assert self.after(Tally(), 2) == Tally(errors=2)
        locked = self.after(Tally(), 3)
        assert locked == Tally(locks=1, locked_until=NOON + MINUTE)

    def test_last_twice_as_long_each_time_up_to_a_day(self) -> None:
        second = self.after(self.after(Tally(), 3), 3)
        assert second == Tally(locks=2, locked_until=NOON + 2 * MINUTE)
        many = self.after(Tally(locks=5000), 3)
        assert many.locked_until == NOON + timedelta(days=1)

    def test_end_on_the_dot_and_say_when(self) -> None:
        until = NOON + timedelta(seconds=1, microseconds=1)
        blocked = Refused(Reason.USER_BLOCKED, retry_after=2)
        assert factor_locks.refusal(until, now=NOON) == blocked
        assert factor_locks.refusal(NOON, now=NOON) is None
        assert factor_locks.refusal(None, now=NOON) is None


def token(name: TokenName = TokenName.ACCESS, **but: Any) -> Token:
    values: dict[str, Any] = {
        "id": TokenId(UUID(int=1)),
        "name": name,
        "digest": b"",
        "user_id": UserId(UUID(int=2)),
        "client_id": None,
        "family_id": FamilyId(UUID(int=1)),
        "grant_type": "password",
        "details": step_up.details(["pwd", "sms"], now=NOON),
        "expires_at": NOON + timedelta(hours=1),
        "inserted_at": NOON,
    }
    return Token(**{**values, **but})


PWD = step_up.details(["pwd"], now=NOON)
STEP_UP, KIND = Refused(Reason.STEP_UP_REQUIRED), Refused(Reason.TOKEN_INVALID_TYPE)
SECOND = TokenName.SECOND_FACTOR


@pytest.mark.parametrize(
    ("held", "known", "refusal"),
    [
        pytest.param(token(), [SMS], None, id="a second factor of late"),
        pytest.param(token(details=PWD), [SMS], STEP_UP, id="no more than a password"),
        pytest.param(token(details=PWD), [], None, id="a password where there is no more"),
        pytest.param(token(details=PWD), [UNSET], None, id="a factor that is not set up"),
        pytest.param(token(details={}), [], STEP_UP, id="given by an operator"),
        pytest.param(
            token(grant_type="authorization_code"), [SMS], STEP_UP, id="a client's"
        ),
        pytest.param(token(app_id=AppId(UUID(int=3))), [SMS], STEP_UP, id="of a consent"),
        pytest.param(
            token(details={"amr": "sms", "auth_time": "noon"}), [], STEP_UP, id="nonsense"
        ),
        pytest.param(token(SECOND, details=PWD), [], None, id="the first factor"),
        pytest.param(token(SECOND, details=PWD), [SMS], KIND, id="not the first"),
        pytest.param(token(SECOND), [SMS], None, id="a change under way"),
        pytest.param(token(TokenName.REFRESH), [], KIND, id="another kind"),
        pytest.param(token(TokenName.CHANGE_PASSWORD), [], KIND, id="one for passwords"),
    ],
)
def test_who_may_change_a_factor(
    held: Token, known: list[ActiveFactor], refusal: Refused | None
) -> None:
    assert step_up.judge(held, known, within=MINUTE, now=NOON) == refusal


@pytest.mark.parametrize(
    ("later", "refusal"),
    [
        (MINUTE, None),
        (MINUTE + timedelta(seconds=1), STEP_UP),
        pytest.param(-MINUTE, STEP_UP, id="a clock that went back"),
    ],
)
def test_a_sign_in_is_of_late_for_a_while(
    later: timedelta, refusal: Refused | None
) -> None:
    assert step_up.judge(token(), [SMS], within=MINUTE, now=NOON + later) == refusal


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:8085",
        "https://evil-clinic.test",
        "https://clinic.test.evil.example",
        "https://clinic.test/sign-in",
        "clinic.test",
    ],
)
def test_a_page_of_another_domain_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValidationError, match="WEBAUTHN_ORIGINS"):
        FactorSettings(webauthn_rp_id="clinic.test", webauthn_origins=(origin,))


def test_pages_of_the_domain_and_below_it_may_ask_for_passkeys() -> None:
    pages = ("https://clinic.test", "https://auth.clinic.test:8443")

    made = FactorSettings(webauthn_rp_id="clinic.test", webauthn_origins=pages)

    assert made.relying_party().origins == pages
