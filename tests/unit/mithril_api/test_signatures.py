"""Who may sign in with a digital signature: every check of spec §3.4, in its order."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.signatures import (
    Account,
    Admitted,
    AskPerson,
    Denied,
    Found,
    Opened,
    SignatureFacts,
    Verdict,
    judge,
    jwt_of,
    tax_id_of,
)
from shared.models.ids import UserId

TAX_ID = "3126509816"
PERSON = "00000000-0000-0000-0000-000000000007"
USER = UserId(UUID(int=1))
DOCTOR = Account(id=UserId(UUID(int=2)), person_id="", is_blocked=False)
PATIENT = Account(id=USER, person_id=PERSON, is_blocked=False)
FACTS = SignatureFacts(
    client_exists=True,
    client_may_sign_in=True,
    client_type_scope=frozenset({"app:authorize"}),
    accounts=(PATIENT,),
)
ACTIVE = Found(person_id=PERSON, status="active", tax_id=TAX_ID)
SIGNED = Opened(content={"jwt": "a.b.c"}, tax_ids=(TAX_ID,), is_valid=True)


@pytest.mark.parametrize(
    ("opened", "value"),
    [
        pytest.param(SIGNED, "a.b.c", id="a JWT that one signed"),
        pytest.param(
            replace(SIGNED, tax_ids=(TAX_ID, None, "1")),
            Refused(Reason.SIGNERS_TOO_MANY, "3"),
            id="that several signed",
        ),
        pytest.param(
            replace(SIGNED, is_valid=False, error="OCSP says no"),
            Refused(Reason.SIGNATURE_INVALID, "OCSP says no"),
            id="with a bad signature",
        ),
        pytest.param(
            replace(SIGNED, tax_ids=()),
            Refused(Reason.SIGNATURE_INVALID, "signature is invalid"),
            id="that nobody signed, though it says to be valid",
        ),
        pytest.param(
            replace(SIGNED, content={}), Refused(Reason.JWT_MISSING), id="without a JWT"
        ),
        pytest.param(
            replace(SIGNED, content={"jwt": ""}), Refused(Reason.JWT_MISSING), id="empty"
        ),
        pytest.param(
            replace(SIGNED, content={"jwt": ["a"]}), Refused(Reason.JWT_MISSING), id="list"
        ),
    ],
)
def test_what_was_signed(opened: Opened, value: str | Refused) -> None:
    assert jwt_of(opened) == value


@pytest.mark.parametrize("tax_id", [None, ""])
def test_who_signed_must_have_a_tax_id(tax_id: str | None) -> None:
    opened = replace(SIGNED, tax_ids=(tax_id,))

    assert tax_id_of(opened) == Refused(Reason.SIGNER_WITHOUT_TAX_ID)
    assert tax_id_of(SIGNED) == TAX_ID


def denied(reason: Reason) -> Denied:
    return Denied(user_id=USER, refusal=Refused(reason))


@pytest.mark.parametrize(
    ("facts", "found", "verdict"),
    [
        pytest.param(FACTS, ACTIVE, Admitted(user_id=USER), id="a person of ours"),
        pytest.param(
            FACTS, None, AskPerson(user_id=USER, person_id=PERSON), id="who is yet unknown"
        ),
        pytest.param(
            FACTS,
            replace(ACTIVE, person_id="another"),
            AskPerson(user_id=USER, person_id=PERSON),
            id="whose account names another person by now",
        ),
        pytest.param(
            replace(FACTS, client_exists=False),
            ACTIVE,
            Refused(Reason.CLIENT_UNKNOWN_AT_LOGIN),
            id="of no client",
        ),
        pytest.param(
            replace(FACTS, client_may_sign_in=False),
            ACTIVE,
            Refused(Reason.CLIENT_GRANT_FORBIDDEN),
            id="of a client without the grant",
        ),
        pytest.param(
            replace(FACTS, client_type_scope=frozenset()),
            ACTIVE,
            Refused(Reason.SCOPE_NOT_OF_CLIENT_TYPE),
            id="with a scope its type has not",
        ),
        pytest.param(
            replace(FACTS, accounts=()),
            ACTIVE,
            Refused(Reason.SIGNER_UNKNOWN),
            id="without an account",
        ),
        pytest.param(
            replace(FACTS, accounts=(replace(PATIENT, is_blocked=True),)),
            ACTIVE,
            denied(Reason.USER_BLOCKED),
            id="blocked",
        ),
        pytest.param(
            replace(FACTS, accounts=(replace(PATIENT, person_id=""),)),
            ACTIVE,
            denied(Reason.SIGNER_UNKNOWN),
            id="whose account names no person",
        ),
        pytest.param(
            replace(FACTS, accounts=(DOCTOR, PATIENT)),
            ACTIVE,
            Admitted(user_id=USER),
            id="who is a doctor, too",
        ),
        pytest.param(
            replace(FACTS, accounts=(PATIENT, replace(DOCTOR, person_id="another"))),
            ACTIVE,
            Refused(Reason.SIGNER_UNKNOWN),
            id="who is two persons",
        ),
        pytest.param(
            FACTS,
            Found(person_id=PERSON, status=None),
            denied(Reason.PERSON_UNKNOWN),
            id="whom the index has not",
        ),
        pytest.param(
            FACTS,
            replace(ACTIVE, status="INACTIVE"),
            denied(Reason.PERSON_UNKNOWN),
            id="whom the index has no more",
        ),
        pytest.param(
            FACTS,
            replace(ACTIVE, tax_id="another"),
            denied(Reason.TAX_ID_MISMATCH),
            id="with another tax id",
        ),
        pytest.param(
            FACTS,
            replace(ACTIVE, tax_id=None),
            denied(Reason.TAX_ID_MISMATCH),
            id="with none",
        ),
    ],
)
def test_a_signer(facts: SignatureFacts, found: Found | None, verdict: Verdict) -> None:
    scope = ("app:authorize",)
    assert judge(facts, tax_id=TAX_ID, scope=scope, found=found) == verdict
