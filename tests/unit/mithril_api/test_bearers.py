"""Whether a token that came as a bearer serves its purpose (spec §1.3 O7)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.mithril_api.domain.bearers import judge
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.ids import ClientId, FamilyId, TokenId, UserId
from shared.models.tokens import TokenName

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOKEN = Token(
    id=TokenId(UUID(int=1)),
    name=TokenName.CHANGE_PASSWORD,
    digest=b"d",
    user_id=UserId(UUID(int=2)),
    client_id=ClientId(UUID(int=3)),
    family_id=FamilyId(UUID(int=1)),
    expires_at=NOON + HOUR,
    inserted_at=NOON - HOUR,
)
EXPIRED = Refused(Reason.TOKEN_EXPIRED)


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        pytest.param(TOKEN, TOKEN, id="live, unused and of the right kind"),
        pytest.param(None, Refused(Reason.TOKEN_INVALID), id="unknown"),
        pytest.param(replace(TOKEN, expires_at=NOON), EXPIRED, id="expires on the dot"),
        pytest.param(replace(TOKEN, revoked_at=NOON - HOUR), EXPIRED, id="revoked"),
        pytest.param(replace(TOKEN, used_at=NOON - HOUR), EXPIRED, id="used"),
        pytest.param(
            replace(TOKEN, name=TokenName.ACCESS),
            Refused(Reason.TOKEN_INVALID_TYPE),
            id="of another kind",
        ),
        pytest.param(
            replace(TOKEN, name=TokenName.ACCESS, expires_at=NOON),
            EXPIRED,
            id="of another kind and expired, asked first",
        ),
    ],
)
def test_a_bearer(token: Token | None, verdict: Token | Refused) -> None:
    assert judge(token, wanted=TokenName.CHANGE_PASSWORD, now=NOON) == verdict
