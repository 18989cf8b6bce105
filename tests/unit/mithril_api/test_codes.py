"""Whether an authorization code may be exchanged (spec §3.5, decision D14)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.mithril_api.domain.codes import (
    CodeFacts,
    Exchange,
    RevokeBought,
    Verdict,
    judge,
)
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.ids import AppId, ClientId, ConnectionId, FamilyId, TokenId, UserId
from shared.models.tokens import TokenName

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
URI = "https://clinic.test/callback"
OURS, THEIRS = ClientId(UUID(int=3)), ClientId(UUID(int=4))
CONNECTION, APP = ConnectionId(UUID(int=5)), AppId(UUID(int=6))
# The example of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
CODE = Token(
    id=TokenId(UUID(int=1)),
    name=TokenName.CODE,
    digest=b"d",
    user_id=UserId(UUID(int=2)),
    client_id=OURS,
    family_id=FamilyId(UUID(int=1)),
    scope=("episode:read", "episode:write"),
    details={"redirect_uri": URI, "scope_request": "episode:read episode:write"},
    expires_at=NOON + timedelta(seconds=60),
    inserted_at=NOON - timedelta(seconds=60),
)
PROVED = replace(CODE, details={**CODE.details, "code_challenge": CHALLENGE})
FACTS = CodeFacts(
    client_id=OURS,
    connection_id=CONNECTION,
    registered_uri=URI,
    code=CODE,
    app_id=APP,
)
BOUGHT = Exchange(code=CODE, app_id=APP, connection_id=CONNECTION, scope=CODE.scope)
MISMATCH = Refused(Reason.REDIRECT_MISMATCH)
UNPROVED = Refused(Reason.PKCE_FAILED)
USED = Refused(Reason.CODE_USED)


def used(seconds: int, **but: Any) -> Token:
    return replace(CODE, used_at=NOON - timedelta(seconds=seconds), **but)


def asked(
    facts: CodeFacts, *, redirect_uri: str = URI, code_verifier: str | None = None
) -> Verdict:
    return judge(facts, redirect_uri=redirect_uri, code_verifier=code_verifier, now=NOON)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        pytest.param(FACTS, BOUGHT, id="what was consented to"),
        pytest.param(
            replace(FACTS, connection_id=None, code=None),
            Refused(Reason.CLIENT_SECRET_WRONG),
            id="a wrong secret, asked before the code",
        ),
        pytest.param(
            replace(FACTS, code=None), Refused(Reason.TOKEN_UNKNOWN), id="no such code"
        ),
        pytest.param(
            replace(FACTS, code=used(60, client_id=THEIRS)),
            Refused(Reason.TOKEN_OF_ANOTHER_CLIENT),
            id="another client's, used or not",
        ),
        pytest.param(
            replace(FACTS, code=replace(CODE, expires_at=NOON)),
            Refused(Reason.TOKEN_EXPIRED),
            id="expires on the dot",
        ),
        pytest.param(
            replace(FACTS, code=replace(CODE, revoked_at=NOON)),
            Refused(Reason.TOKEN_EXPIRED),
            id="revoked",
        ),
        pytest.param(
            replace(FACTS, registered_uri="https://clinic.test/other"),
            MISMATCH,
            id="an address that is registered no more",
        ),
        pytest.param(replace(FACTS, registered_uri=None), MISMATCH, id="no address at all"),
        pytest.param(
            replace(FACTS, user_is_blocked=True, client_is_blocked=True),
            Refused(Reason.USER_BLOCKED),
            id="a blocked user",
        ),
        pytest.param(
            replace(FACTS, client_is_blocked=True, app_id=None),
            Refused(Reason.CLIENT_BLOCKED),
            id="a blocked client",
        ),
        pytest.param(
            replace(FACTS, app_id=None),
            Refused(Reason.APPROVAL_MISSING),
            id="a consent that was withdrawn",
        ),
    ],
)
def test_a_code_buys(facts: CodeFacts, verdict: Verdict) -> None:
    assert asked(facts) == verdict


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        pytest.param(used(0), USED, id="at the same moment: a retry"),
        pytest.param(used(10), USED, id="ten seconds later: a retry still"),
        pytest.param(used(11), RevokeBought(code=used(11)), id="later: a theft"),
        pytest.param(
            used(90, expires_at=NOON - timedelta(seconds=30)),
            RevokeBought(code=used(90, expires_at=NOON - timedelta(seconds=30))),
            id="later than its expiry: a theft too",
        ),
        pytest.param(used(60, revoked_at=NOON), USED, id="a theft that was noticed before"),
    ],
)
def test_a_used_code_that_comes_back(code: Token, verdict: Verdict) -> None:
    assert asked(replace(FACTS, code=code)) == verdict


@pytest.mark.parametrize("sent", [f"{URI}/", f"{URI}?a=b", "https://clinic.test", ""])
def test_the_address_is_the_one_consented_to_to_the_letter(sent: str) -> None:
    assert asked(replace(FACTS, registered_uri=sent), redirect_uri=sent) == MISMATCH


@pytest.mark.parametrize(
    ("code", "verifier", "verdict"),
    [
        pytest.param(PROVED, VERIFIER, replace(BOUGHT, code=PROVED), id="the proof"),
        pytest.param(PROVED, "a" * 43, UNPROVED, id="another proof"),
        pytest.param(PROVED, "short", UNPROVED, id="what is no proof at all"),
        pytest.param(PROVED, None, UNPROVED, id="no proof"),
        pytest.param(CODE, VERIFIER, UNPROVED, id="a proof of what was not asked"),
    ],
)
def test_a_challenge_is_answered_by(
    code: Token, verifier: str | None, verdict: Verdict
) -> None:
    assert asked(replace(FACTS, code=code), code_verifier=verifier) == verdict
