"""Who may sign in with a password (spec §3.2, §3.3)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.mithril_api.domain.factors import ActiveFactor, FactorId, FactorType
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.sign_in import (
    Account,
    Admit,
    Checked,
    CheckPassword,
    Denied,
    Grant,
    Limits,
    Mistaken,
    NextStep,
    Recognised,
    SignInFacts,
    Verdict,
    judge,
    superseded_by,
)
from shared.models.ids import UserId
from shared.models.tokens import TokenName

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
USER = UserId(UUID(int=1))
LIMITS = Limits(failures=3, password_lives=timedelta(days=90))
ACCOUNT = Account(id=USER, password_hash="h", password_set_at=NOON - timedelta(days=1))
FACTS = SignInFacts(
    client_exists=True,
    client_may_sign_in=True,
    client_type="Auth_FE",
    client_type_scope=frozenset({"app:authorize", "user:read", "user:change_password"}),
    account=ACCOUNT,
)
RIGHT = Checked(user_id=USER, password_hash="h", is_right=True)
WRONG = replace(RIGHT, is_right=False)
OLD = replace(ACCOUNT, password_set_at=NOON - timedelta(days=90))
ASK = CheckPassword(user_id=USER, password_hash="h")
PHONE = ActiveFactor(id=FactorId(UUID(int=2)), kind=FactorType.SMS, number="+380670000000")
UNSET = replace(PHONE, number=None, is_ready=False)
APP = ActiveFactor(id=FactorId(UUID(int=3)), kind=FactorType.TOTP)
PASSKEY = ActiveFactor(id=FactorId(UUID(int=4)), kind=FactorType.WEBAUTHN, name="key")


def of(**but: Any) -> SignInFacts:
    return replace(FACTS, account=replace(ACCOUNT, **but))


def denied(reason: Reason) -> Denied:
    return Denied(user_id=USER, refusal=Refused(reason))


def recognised(decision: Admit | Refused) -> Recognised:
    return Recognised(user_id=USER, decision=decision)


def asked(
    facts: SignInFacts,
    checked: Checked | None = RIGHT,
    *,
    grant: Grant = Grant.PASSWORD,
    scope: str = "app:authorize",
) -> Verdict:
    return judge(
        facts,
        grant=grant,
        scope=tuple(scope.split()),
        checked=checked,
        limits=LIMITS,
        now=NOON,
    )


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        pytest.param(FACTS, ASK, id="nothing speaks against it"),
        pytest.param(
            SignInFacts(client_exists=False, account=ACCOUNT),
            Refused(Reason.CLIENT_UNKNOWN_AT_LOGIN),
            id="no such client",
        ),
        pytest.param(
            replace(FACTS, client_may_sign_in=False, account=None),
            Refused(Reason.CLIENT_GRANT_FORBIDDEN),
            id="a client that may not sign users in, asked before who the user is",
        ),
        pytest.param(
            replace(FACTS, account=None), Refused(Reason.USER_UNKNOWN), id="no such user"
        ),
        pytest.param(
            replace(of(is_blocked=True), client_type="CABINET"),
            denied(Reason.USER_NOT_REGISTERED),
            id="a patient without a tax id, asked before a block",
        ),
        pytest.param(
            replace(of(tax_id="3126509816"), client_type="CABINET"),
            ASK,
            id="a patient with a tax id",
        ),
        pytest.param(
            replace(FACTS, client_type="CABINET", account=None),
            Refused(Reason.USER_UNKNOWN),
            id="no such patient",
        ),
        pytest.param(
            of(is_blocked=True, recent_failures=3),
            denied(Reason.USER_BLOCKED),
            id="a blocked user, asked before the limit",
        ),
        pytest.param(
            of(recent_failures=3), denied(Reason.LOGIN_LIMIT), id="too many failures"
        ),
        pytest.param(of(recent_failures=2), ASK, id="one failure below the limit"),
    ],
)
def test_before_the_password_is_compared(facts: SignInFacts, verdict: Verdict) -> None:
    assert asked(facts, None) == verdict


@pytest.mark.parametrize("checked", [None, RIGHT, WRONG])
def test_the_limit_counts_whatever_the_password_is(checked: Checked | None) -> None:
    assert asked(of(recent_failures=4), checked) == denied(Reason.LOGIN_LIMIT)


def test_a_wrong_password_is_a_failure() -> None:
    assert asked(FACTS, WRONG) == Mistaken(user_id=USER)


@pytest.mark.parametrize("checked", [RIGHT, WRONG])
def test_a_comparison_with_a_hash_replaced_meanwhile_counts_for_nothing(
    checked: Checked,
) -> None:
    facts = of(password_hash="newer")

    assert asked(facts, checked) == CheckPassword(user_id=USER, password_hash="newer")


PASSWORD, CHANGE = Grant.PASSWORD, Grant.CHANGE_PASSWORD
WITH_PHONE = of(factors=(PHONE,))


@pytest.mark.parametrize(
    ("facts", "grant", "scope", "decision"),
    [
        pytest.param(
            FACTS,
            PASSWORD,
            "user:read app:authorize user:read",
            Admit(
                name=TokenName.ACCESS,
                scope=("user:read", "app:authorize", "user:read"),
                next_step=NextStep.REQUEST_APPS,
            ),
            id="a session with the scope as it was sent",
        ),
        pytest.param(
            replace(FACTS, account=OLD),
            PASSWORD,
            "never:heard-of",
            Refused(Reason.PASSWORD_EXPIRED, str(USER)),
            id="a password expires on the dot, asked before the scope",
        ),
        pytest.param(
            FACTS,
            PASSWORD,
            "app:authorize never:heard-of",
            Refused(Reason.SCOPE_NOT_OF_CLIENT_TYPE),
            id="a scope the client type has not",
        ),
        pytest.param(
            replace(FACTS, account=OLD),
            CHANGE,
            "user:change_password",
            Admit(
                name=TokenName.CHANGE_PASSWORD,
                scope=("user:change_password",),
                next_step=NextStep.REQUEST_APPS,
            ),
            id="an expired password can be changed",
        ),
        pytest.param(
            FACTS,
            CHANGE,
            "never:heard-of",
            Refused(Reason.SCOPE_NOT_OF_CLIENT_TYPE),
            id="a change with a scope the client type has not",
        ),
        pytest.param(
            FACTS,
            CHANGE,
            "user:change_password user:read",
            Refused(Reason.SCOPE_ONLY, "user:change_password"),
            id="a change with one scope too many",
        ),
        pytest.param(
            WITH_PHONE,
            PASSWORD,
            "app:authorize user:read",
            Admit(
                name=TokenName.SECOND_FACTOR,
                scope=(),
                scope_request="app:authorize user:read",
                next_step=NextStep.REQUEST_OTP,
                factors=(PHONE,),
            ),
            id="a second factor asks for a code",
        ),
        pytest.param(
            of(factors=(PASSKEY, APP, UNSET, PHONE)),
            PASSWORD,
            "app:authorize",
            Admit(
                name=TokenName.SECOND_FACTOR,
                scope=(),
                scope_request="app:authorize",
                next_step=NextStep.REQUEST_OTP,
                factors=(PHONE, APP, PASSKEY),
            ),
            id="any factor that is set up will do, the phone first",
        ),
        pytest.param(
            of(factors=(PASSKEY,)),
            PASSWORD,
            "app:authorize",
            Admit(
                name=TokenName.SECOND_FACTOR,
                scope=(),
                scope_request="app:authorize",
                next_step=NextStep.REQUEST_WEBAUTHN,
                factors=(PASSKEY,),
            ),
            id="nothing but a passkey asks for that",
        ),
        pytest.param(
            of(factors=(PHONE,), factors_locked_until=NOON + timedelta(minutes=1)),
            PASSWORD,
            "app:authorize",
            Refused(Reason.USER_BLOCKED, retry_after=60),
            id="too many wrong codes of late",
        ),
        pytest.param(
            of(factors_locked_until=NOON + timedelta(minutes=1)),
            PASSWORD,
            "app:authorize",
            Admit(
                name=TokenName.ACCESS,
                scope=("app:authorize",),
                next_step=NextStep.REQUEST_APPS,
            ),
            id="a lock of codes is none of passwords",
        ),
        pytest.param(
            of(factors=(UNSET,)),
            PASSWORD,
            "app:authorize",
            Admit(
                name=TokenName.SECOND_FACTOR,
                scope=(),
                scope_request="app:authorize",
                next_step=NextStep.REQUEST_FACTOR,
            ),
            id="a second factor without a number has to be set up",
        ),
        pytest.param(
            WITH_PHONE,
            CHANGE,
            "user:change_password",
            Admit(
                name=TokenName.SECOND_FACTOR,
                scope=(),
                scope_request="user:change_password",
                next_step=NextStep.REQUEST_OTP,
                factors=(PHONE,),
            ),
            id="a change of password needs the second factor too",
        ),
    ],
)
def test_a_right_password(
    facts: SignInFacts, grant: Grant, scope: str, decision: Admit | Refused
) -> None:
    assert asked(facts, grant=grant, scope=scope) == recognised(decision)


@pytest.mark.parametrize(
    ("name", "ended"),
    [
        (TokenName.ACCESS, (TokenName.ACCESS, TokenName.SECOND_FACTOR)),
        (TokenName.SECOND_FACTOR, (TokenName.ACCESS, TokenName.SECOND_FACTOR)),
        (TokenName.CHANGE_PASSWORD, (TokenName.CHANGE_PASSWORD,)),
    ],
)
def test_a_new_token_takes_the_place_of(
    name: TokenName, ended: tuple[TokenName, ...]
) -> None:
    assert superseded_by(name) == ended
