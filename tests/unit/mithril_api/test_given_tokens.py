"""How what an operator says becomes a token (spec §1.4, D4, D5)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.mithril_api.domain import values
from services.mithril_api.domain.given_tokens import (
    Details,
    TokenChange,
    TokenGiven,
    changed,
    fields_between,
    given,
)
from services.mithril_api.domain.records import Token
from shared.models.ids import AppId, ClientId, FamilyId, TokenId, UserId
from shared.models.tokens import TokenName

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
TOMORROW = NOON + timedelta(days=1)
ID = TokenId(UUID(int=1))
USER, CLIENT, APP = UserId(UUID(int=2)), ClientId(UUID(int=3)), AppId(UUID(int=4))
DETAILS = Details(
    client_id=CLIENT,
    app_id=APP,
    grant_type="password",
    scope=("a:b",),
    scope_request=("c:d",),
    is_used=False,
    written={
        "client_id": str(CLIENT),
        "app_id": str(APP),
        "grant_type": "password",
        "scope": "a:b",
        "scope_request": "c:d",
        "refresh_token": "never-keep-me",
        "note": [1],
    },
)
NOTHING = Details(
    client_id=None,
    app_id=None,
    grant_type=None,
    scope=(),
    scope_request=(),
    is_used=False,
    written={},
)
ASKED = TokenGiven(
    name=TokenName.ACCESS,
    value="some-value",
    user_id=USER,
    expires_at=TOMORROW,
    details=DETAILS,
)
TOKEN = Token(
    id=ID,
    name=TokenName.ACCESS,
    digest=values.digest_of("some-value"),
    user_id=USER,
    client_id=CLIENT,
    app_id=APP,
    family_id=FamilyId(ID),
    scope=("a:b",),
    grant_type="password",
    details={"scope_request": "c:d", "note": [1]},
    expires_at=TOMORROW,
    inserted_at=NOON,
)
CODE = replace(TOKEN, name=TokenName.CODE, scope=("c:d",))
USED = replace(DETAILS, is_used=True)


@pytest.mark.parametrize(
    ("asked", "token"),
    [
        pytest.param(ASKED, TOKEN, id="an access token carries its scope"),
        pytest.param(
            replace(ASKED, name=TokenName.CODE), CODE, id="a code carries what it will buy"
        ),
        pytest.param(
            replace(ASKED, details=USED), replace(TOKEN, used_at=NOON), id="used before"
        ),
        pytest.param(
            replace(ASKED, details=NOTHING),
            replace(
                TOKEN, client_id=None, app_id=None, grant_type=None, scope=(), details={}
            ),
            id="of nobody's client",
        ),
    ],
)
def test_a_given_token(asked: TokenGiven, token: Token) -> None:
    assert given(ID, asked, now=NOON) == token


@pytest.mark.parametrize(
    ("before", "change", "after", "fields"),
    [
        pytest.param(TOKEN, TokenChange(), TOKEN, (), id="nothing said"),
        pytest.param(
            TOKEN,
            TokenChange(
                name=TokenName.ACCESS,
                value="some-value",
                user_id=USER,
                expires_at=TOMORROW,
                details=DETAILS,
            ),
            TOKEN,
            (),
            id="nothing new",
        ),
        pytest.param(
            TOKEN,
            TokenChange(name=TokenName.REFRESH, value="other", expires_at=LATER),
            replace(
                TOKEN,
                name=TokenName.REFRESH,
                digest=values.digest_of("other"),
                expires_at=LATER,
            ),
            ("name", "value", "expires_at"),
            id="where it is found",
        ),
        pytest.param(
            TOKEN,
            TokenChange(user_id=UserId(UUID(int=7))),
            replace(TOKEN, user_id=UserId(UUID(int=7))),
            ("user_id",),
            id="another user",
        ),
        pytest.param(
            TOKEN,
            TokenChange(name=TokenName.CODE, details=DETAILS),
            CODE,
            ("name", "details"),
            id="the scope is that of the new kind",
        ),
        pytest.param(
            TOKEN,
            TokenChange(details=USED),
            replace(TOKEN, used_at=LATER),
            ("details",),
            id="used now",
        ),
        pytest.param(
            replace(TOKEN, used_at=NOON),
            TokenChange(details=DETAILS),
            replace(TOKEN, used_at=NOON),
            (),
            id="used for good",
        ),
        pytest.param(
            replace(TOKEN, revoked_at=NOON),
            TokenChange(expires_at=TOMORROW + timedelta(days=9)),
            replace(TOKEN, revoked_at=NOON, expires_at=TOMORROW + timedelta(days=9)),
            ("expires_at",),
            id="revoked for good",
        ),
    ],
)
def test_a_change(
    before: Token, change: TokenChange, after: Token, fields: tuple[str, ...]
) -> None:
    made = changed(before, change, now=LATER)

    assert (made, fields_between(before, made)) == (after, fields)


def test_values_do_not_print() -> None:
    printed = repr(ASKED) + repr(TokenChange(value="some-value"))

    assert "some-value" not in printed
    assert "never-keep-me" not in printed
