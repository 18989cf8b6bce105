"""Who may sign in with a password, and what that gives (spec §3.1, §3.2, §3.3)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, assert_never

from services.mithril_api.domain import factor_locks
from services.mithril_api.domain.factors import ActiveFactor, FactorType, ready
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.ids import UserId
from shared.models.tokens import TokenName

CHANGE_PASSWORD_SCOPE = "user:change_password"  # noqa: S105 — a scope
CABINET = "CABINET"  # the client type of the patients' cabinet


class Grant(StrEnum):
    """The grants that a password serves."""

    PASSWORD = "password"  # noqa: S105 — a grant type
    CHANGE_PASSWORD = "change_password"  # noqa: S105 — a grant type


class NextStep(StrEnum):
    """What the sign-in page has to do next."""

    REQUEST_APPS = "REQUEST_APPS"
    REQUEST_OTP = "REQUEST_OTP"
    REQUEST_FACTOR = "REQUEST_FACTOR"
    REQUEST_WEBAUTHN = "REQUEST_WEBAUTHN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account that the e-mail names."""

    id: UserId
    password_hash: str = field(repr=False)
    password_set_at: datetime
    is_blocked: bool = False
    tax_id: str = ""
    recent_failures: int = 0  # within the period that the limit is about
    factors: tuple[ActiveFactor, ...] = ()
    factors_locked_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFacts:
    """All that the database knows about one attempt."""

    client_exists: bool
    client_may_sign_in: bool = False  # `password` is among its allowed grant types
    client_type: str | None = None
    client_type_scope: frozenset[str] = frozenset()
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the settings allow."""

    failures: int
    password_lives: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of comparing the password with a hash, which takes its time."""

    user_id: UserId
    password_hash: str = field(repr=False)
    is_right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPassword:
    """Nothing speaks against it so far: compare the password with this hash, then ask again."""

    user_id: UserId
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """Give this kind of token with this scope."""

    name: TokenName
    scope: tuple[str, ...]
    scope_request: str | None = None  # what a second factor will turn into the scope
    next_step: NextStep
    factors: tuple[
        ActiveFactor, ...
    ] = ()  # any of them completes it; the first is asked for

    def number(self) -> str | None:
        """Where a code has to be sent for this, if anywhere."""
        asked = self.factors[0] if self.factors else None
        return asked.number if asked and asked.kind is FactorType.SMS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The password is right: failures are forgiven, whatever else is decided."""

    user_id: UserId
    decision: Admit | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistaken:
    """The password is wrong: one more failure."""

    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A known user is turned away before the password is looked at."""

    user_id: UserId
    refusal: Refused


Verdict: TypeAlias = CheckPassword | Recognised | Mistaken | Denied | Refused


def judge(
    facts: SignInFacts,
    *,
    grant: Grant,
    scope: tuple[str, ...],
    checked: Checked | None,
    limits: Limits,
    now: datetime,
) -> Verdict:
    """The verdict on one attempt; checks in the order of spec §3.2.

    Asked twice: before the password is compared, and after, when everything is looked at
    anew. A result for a hash that is no longer the account's counts for nothing.
    """
    if not facts.client_exists:
        return Refused(Reason.CLIENT_UNKNOWN_AT_LOGIN)
    if not facts.client_may_sign_in:
        return Refused(Reason.CLIENT_GRANT_FORBIDDEN)
    account = facts.account
    if account is None:
        return Refused(Reason.USER_UNKNOWN)
    if (obstacle := _obstacle(facts, account, limits)) is not None:
        return Denied(user_id=account.id, refusal=Refused(obstacle))
    if checked is None or checked.password_hash != account.password_hash:
        return CheckPassword(user_id=account.id, password_hash=account.password_hash)
    if not checked.is_right:
        return Mistaken(user_id=account.id)
    decision = _decide(facts, account, grant=grant, scope=scope, limits=limits, now=now)
    return Recognised(user_id=account.id, decision=decision)


def _obstacle(facts: SignInFacts, account: Account, limits: Limits) -> Reason | None:
    if facts.client_type == CABINET and not account.tax_id:
        return Reason.USER_NOT_REGISTERED
    if account.is_blocked:
        return Reason.USER_BLOCKED
    if account.recent_failures >= limits.failures:
        return Reason.LOGIN_LIMIT
    return None


def _decide(
    facts: SignInFacts,
    account: Account,
    *,
    grant: Grant,
    scope: tuple[str, ...],
    limits: Limits,
    now: datetime,
) -> Admit | Refused:
    changing = grant is Grant.CHANGE_PASSWORD
    if not changing and account.password_set_at + limits.password_lives <= now:
        return Refused(Reason.PASSWORD_EXPIRED, str(account.id))
    if not facts.client_type_scope.issuperset(scope):
        return Refused(Reason.SCOPE_NOT_OF_CLIENT_TYPE)
    if changing and scope != (CHANGE_PASSWORD_SCOPE,):
        return Refused(Reason.SCOPE_ONLY, CHANGE_PASSWORD_SCOPE)
    if account.factors:
        locked = factor_locks.refusal(account.factors_locked_until, now=now)
        return locked or _ask_for_factor(account.factors, scope)
    return Admit(
        name=TokenName.CHANGE_PASSWORD if changing else TokenName.ACCESS,
        scope=scope,
        next_step=NextStep.REQUEST_APPS,
    )


def _ask_for_factor(factors: tuple[ActiveFactor, ...], scope: tuple[str, ...]) -> Admit:
    usable = tuple(ready(factors))
    return Admit(
        name=TokenName.SECOND_FACTOR,
        scope=(),
        scope_request=" ".join(scope),
        next_step=_step_for(usable[0].kind if usable else None),
        factors=usable,
    )


def _step_for(kind: FactorType | None) -> NextStep:
    match kind:
        case None:
            return NextStep.REQUEST_FACTOR
        case FactorType.SMS | FactorType.TOTP:
            return NextStep.REQUEST_OTP
        case FactorType.WEBAUTHN:
            return NextStep.REQUEST_WEBAUTHN
        case _:
            assert_never(kind)


def superseded_by(name: TokenName) -> tuple[TokenName, ...]:
    """The kinds of which a user has one a client: a new one ends the former (spec §2.2)."""
    if name is TokenName.CHANGE_PASSWORD:
        return (TokenName.CHANGE_PASSWORD,)
    return (TokenName.ACCESS, TokenName.SECOND_FACTOR)
