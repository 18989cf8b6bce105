"""Who may sign in with a digital signature (spec §3.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.ids import UserId

GRANT = "digital_signature"
SCOPE = ("app:authorize",)  # whatever is asked: a session, which gives consents
METHOD = "swk"  # proof of a key, in software at the least (RFC 8176)
_INACTIVE = "INACTIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Signed content as the signature service opened it."""

    content: Mapping[str, Any] = field(repr=False)
    tax_ids: tuple[str | None, ...] = field(repr=False)  # of each who signed
    is_valid: bool
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with the signer's tax id."""

    id: UserId
    person_id: str
    is_blocked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """All that the database knows about one attempt."""

    client_exists: bool
    client_may_sign_in: bool = False  # the grant is among its allowed grant types
    client_type_scope: frozenset[str] = frozenset()
    accounts: tuple[Account, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the patient index says of a person."""

    person_id: str
    status: str | None  # none: it has no such person
    tax_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPerson:
    """Nothing speaks against it so far: ask the patient index, then ask again."""

    user_id: UserId
    person_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Sign this user in."""

    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A known user is turned away."""

    user_id: UserId
    refusal: Refused


Verdict: TypeAlias = AskPerson | Admitted | Denied | Refused


def jwt_of(opened: Opened) -> str | Refused:
    """The JWT that one person validly signed; checks 3 and the first half of 4."""
    count = len(opened.tax_ids)
    if count > 1:
        return Refused(Reason.SIGNERS_TOO_MANY, str(count))
    if count == 0 or not opened.is_valid:
        return Refused(Reason.SIGNATURE_INVALID, opened.error or "signature is invalid")
    value = opened.content.get("jwt")
    if not isinstance(value, str) or not value:
        return Refused(Reason.JWT_MISSING)
    return value


def tax_id_of(opened: Opened) -> str | Refused:
    """The tax id of the one who signed; check 5."""
    tax_id = opened.tax_ids[0]
    return tax_id or Refused(Reason.SIGNER_WITHOUT_TAX_ID)


def judge(
    facts: SignatureFacts, *, tax_id: str, scope: tuple[str, ...], found: Found | None
) -> Verdict:
    """The verdict on one attempt; checks 6 to 8 of spec §3.4.

    Asked twice: before the patient index is asked, and after, when everything is looked at
    anew. What was found of another person than the account's counts for nothing.
    """
    if not facts.client_exists:
        return Refused(Reason.CLIENT_UNKNOWN_AT_LOGIN)
    if not facts.client_may_sign_in:
        return Refused(Reason.CLIENT_GRANT_FORBIDDEN)
    if not facts.client_type_scope.issuperset(scope):
        return Refused(Reason.SCOPE_NOT_OF_CLIENT_TYPE)
    account = _account(facts.accounts)
    if account is None:
        return Refused(Reason.SIGNER_UNKNOWN)
    if account.is_blocked:
        return _denied(account, Reason.USER_BLOCKED)
    if not account.person_id:
        return _denied(account, Reason.SIGNER_UNKNOWN)
    if found is None or found.person_id != account.person_id:
        return AskPerson(user_id=account.id, person_id=account.person_id)
    if found.status in (None, _INACTIVE):
        return _denied(account, Reason.PERSON_UNKNOWN)
    if found.tax_id != tax_id:
        return _denied(account, Reason.TAX_ID_MISMATCH)
    return Admitted(user_id=account.id)


def _account(accounts: tuple[Account, ...]) -> Account | None:
    """The one account that is meant.

    A person may have several with one tax id, as a doctor and as a patient: the one that
    names a person counts. Of two that do, nobody can say which is meant: none is.
    """
    named = [account for account in accounts if account.person_id]
    if len(named) > 1:
        return None
    return next(iter(named or accounts), None)


def _denied(account: Account, reason: Reason) -> Denied:
    return Denied(user_id=account.id, refusal=Refused(reason))
