"""Whether an access token may be used, as a table of cases (spec §7.1)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.verification import Verified, VerifyFacts, judge
from shared.models.ids import ClientId, FamilyId, TokenId, UserId
from shared.models.tokens import TokenName

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN = Token(
    id=TokenId(uuid4()),
    name=TokenName.ACCESS,
    digest=b"",
    user_id=UserId(uuid4()),
    client_id=ClientId(uuid4()),
    family_id=FamilyId(uuid4()),
    expires_at=NOON + timedelta(hours=1),
    inserted_at=NOON,
)
DIRECT = VerifyFacts(
    token=TOKEN,
    user_exists=True,
    client_exists=True,
    client_type="MSP",
    access_type="DIRECT",
    person_id="p",
)
BROKER = ClientId(uuid4())
BROKERED = replace(
    DIRECT,
    access_type="BROKER",
    api_key_sent=True,
    broker_id=BROKER,
    broker_scope="a:read",
)
VERIFIED = Verified(token=TOKEN, person_id="p", client_type="MSP")


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        pytest.param(DIRECT, VERIFIED, id="a direct client's"),
        pytest.param(
            BROKERED,
            replace(VERIFIED, broker_id=BROKER, broker_scope="a:read"),
            id="a brokered client's, with a broker's key",
        ),
        pytest.param(replace(DIRECT, token=None), Refused(Reason.NOT_FOUND), id="unknown"),
        pytest.param(
            replace(DIRECT, token=replace(TOKEN, expires_at=NOON), client_exists=False),
            Refused(Reason.TOKEN_EXPIRED_AT_VERIFY),
            id="expired",
        ),
        pytest.param(
            replace(DIRECT, token=replace(TOKEN, revoked_at=NOON)),
            Refused(Reason.TOKEN_EXPIRED_AT_VERIFY),
            id="revoked",
        ),
        pytest.param(
            replace(DIRECT, client_exists=False), Refused(Reason.NOT_FOUND), id="no client"
        ),
        pytest.param(
            replace(DIRECT, client_is_blocked=True, user_exists=False),
            Refused(Reason.CLIENT_BLOCKED_AT_VERIFY),
            id="a blocked client",
        ),
        pytest.param(
            replace(DIRECT, user_exists=False), Refused(Reason.NOT_FOUND), id="no user"
        ),
        pytest.param(
            replace(DIRECT, user_is_blocked=True, access_type=None),
            Refused(Reason.USER_BLOCKED_AT_VERIFY),
            id="a blocked user",
        ),
        pytest.param(
            replace(DIRECT, access_type=None),
            Refused(Reason.ACCESS_TYPE_MISSING),
            id="a client without access type",
        ),
        pytest.param(
            replace(BROKERED, api_key_sent=False, broker_id=None),
            Refused(Reason.BROKER_KEY_REQUIRED),
            id="brokered, without a key",
        ),
        pytest.param(
            replace(BROKERED, broker_id=None),
            Refused(Reason.BROKER_KEY_UNKNOWN),
            id="brokered, with an unknown key",
        ),
        pytest.param(
            replace(BROKERED, broker_scope=None),
            Refused(Reason.BROKER_SETTINGS),
            id="brokered, with the key of no broker",
        ),
    ],
)
def test_an_access_token(facts: VerifyFacts, verdict: object) -> None:
    assert judge(facts, now=NOON) == verdict
