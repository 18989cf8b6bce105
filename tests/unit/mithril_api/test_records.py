"""The Token object of the contract (spec §1.3, §2.1)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.mithril_api.domain.records import Token, rendered
from shared.models.ids import AppId, ClientId, FamilyId, TokenId, UserId
from shared.models.tokens import TokenName

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ID, USER, CLIENT, APP = (UUID(int=number) for number in range(1, 5))
TOKEN = Token(
    id=TokenId(ID),
    name=TokenName.ACCESS,
    digest=b"d",
    user_id=UserId(USER),
    client_id=ClientId(CLIENT),
    app_id=AppId(APP),
    family_id=FamilyId(ID),
    scope=("episode:read", "person:read"),
    grant_type="refresh_token",
    expires_at=NOON + HOUR,
    inserted_at=NOON,
)
CODE = replace(
    TOKEN,
    name=TokenName.CODE,
    grant_type="password",
    details={
        "redirect_uri": "https://clinic.test/",
        "scope_request": "episode:read person:read",
        "code_challenge": "nobody's business",
    },
)


@pytest.mark.parametrize(
    ("token", "details"),
    [
        pytest.param(
            TOKEN,
            {
                "client_id": CLIENT,
                "grant_type": "refresh_token",
                "scope": "episode:read person:read",
                "app_id": APP,
            },
            id="an access token of an approval",
        ),
        pytest.param(
            replace(TOKEN, app_id=None, scope=(), details={"scope_request": "a b"}),
            {
                "client_id": CLIENT,
                "grant_type": "refresh_token",
                "scope": "",
                "scope_request": "a b",
            },
            id="a token that has yet to be given its scope",
        ),
        pytest.param(
            replace(TOKEN, client_id=None, grant_type=None, app_id=None),
            {"scope": "episode:read person:read"},
            id="a token of no client",
        ),
        pytest.param(
            CODE,
            {
                "client_id": CLIENT,
                "grant_type": "password",
                "redirect_uri": "https://clinic.test/",
                "scope_request": "episode:read person:read",
            },
            id="a code, without the challenge it was bound to",
        ),
    ],
)
def test_the_details_of(token: Token, details: dict[str, Any]) -> None:
    assert rendered(token, value="v") == {
        "id": ID,
        "name": str(token.name),
        "value": "v",
        "expires_at": int((NOON + HOUR).timestamp()),
        "user_id": USER,
        "details": details,
    }


def test_what_is_not_told_is_not_there() -> None:
    told = rendered(TOKEN, value=None)

    assert "value" not in told
    assert "refresh_token" not in told["details"]


def test_a_refresh_token_is_told_in_the_details() -> None:
    told = rendered(TOKEN, value="v", refresh_token="r")

    assert told["details"]["refresh_token"] == "r"


@pytest.mark.parametrize(
    ("revoked_at", "ends_at"),
    [
        (None, NOON + HOUR),
        (NOON, NOON),
        (NOON + 2 * HOUR, NOON + HOUR),
    ],
)
def test_a_token_ends_when_it_is_revoked_or_expires(
    revoked_at: datetime | None, ends_at: datetime
) -> None:
    token = replace(TOKEN, revoked_at=revoked_at)

    assert rendered(token, value=None)["expires_at"] == int(ends_at.timestamp())


@pytest.mark.parametrize(
    ("token", "now", "expected"),
    [
        (TOKEN, NOON + HOUR - timedelta(seconds=1), True),
        (TOKEN, NOON + HOUR, False),
        (replace(TOKEN, revoked_at=NOON + HOUR), NOON, False),
    ],
)
def test_a_token_is_live_until_then(token: Token, now: datetime, expected: bool) -> None:
    assert token.is_live(now) is expected
