"""What a refresh token buys, as a table of cases and laws (D2, D3)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refresh import (
    GRACE,
    Issue,
    RefreshFacts,
    Repeat,
    RevokeFamily,
    Rotate,
    granted_scope,
    judge,
)
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.ids import AppId, ClientId, ConnectionId, FamilyId, TokenId, UserId
from shared.models.tokens import RefreshPolicy, TokenName

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OURS, THEIRS = ClientId(uuid4()), ClientId(uuid4())
APP = AppId(uuid4())
SCOPE = ("a:read", "b:read")

TOKEN = Token(
    id=TokenId(uuid4()),
    name=TokenName.REFRESH,
    digest=b"",
    user_id=UserId(uuid4()),
    client_id=OURS,
    family_id=FamilyId(uuid4()),
    scope=SCOPE,
    expires_at=NOON + timedelta(days=1),
    inserted_at=NOON - timedelta(days=1),
)
SUCCESSOR = replace(TOKEN, id=TokenId(uuid4()), generation=1)
SPENT = replace(TOKEN, used_at=NOON, successor_id=SUCCESSOR.id)
FACTS = RefreshFacts(
    client_id=OURS,
    connection_id=ConnectionId(uuid4()),
    token=TOKEN,
    app_id=APP,
    app_scope=SCOPE,
    client_type_scope=frozenset(SCOPE),
    role_scope=frozenset(SCOPE),
)
REPEATED = replace(FACTS, token=SPENT, successor=SUCCESSOR)
ISSUED = Issue(token=TOKEN, app_id=APP, scope=SCOPE)


def token(**but: Any) -> RefreshFacts:
    return replace(FACTS, token=replace(TOKEN, **but))


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        pytest.param(FACTS, ISSUED, id="in order"),
        pytest.param(
            replace(FACTS, connection_id=None),
            Refused(Reason.CLIENT_SECRET_WRONG),
            id="a wrong secret",
        ),
        pytest.param(
            replace(FACTS, connection_id=None, token=None),
            Refused(Reason.CLIENT_SECRET_WRONG),
            id="a wrong secret comes before an unknown token",
        ),
        pytest.param(
            replace(FACTS, token=None), Refused(Reason.TOKEN_UNKNOWN), id="an unknown token"
        ),
        pytest.param(
            token(client_id=THEIRS, revoked_at=NOON),
            Refused(Reason.TOKEN_OF_ANOTHER_CLIENT),
            id="another client's comes before revoked",
        ),
        pytest.param(
            token(expires_at=NOON), Refused(Reason.TOKEN_EXPIRED), id="expired on the dot"
        ),
        pytest.param(
            token(revoked_at=NOON), Refused(Reason.TOKEN_EXPIRED), id="revoked is expired"
        ),
        pytest.param(
            replace(token(revoked_at=NOON), user_is_blocked=True),
            Refused(Reason.TOKEN_EXPIRED),
            id="expired comes before a blocked user",
        ),
        pytest.param(
            replace(FACTS, user_is_blocked=True, client_is_blocked=True),
            Refused(Reason.USER_BLOCKED),
            id="a blocked user comes before a blocked client",
        ),
        pytest.param(
            replace(FACTS, client_is_blocked=True, app_id=None),
            Refused(Reason.CLIENT_BLOCKED),
            id="a blocked client comes before a missing approval",
        ),
        pytest.param(
            replace(FACTS, app_id=None), Refused(Reason.APPROVAL_MISSING), id="no approval"
        ),
        pytest.param(
            replace(FACTS, role_scope=frozenset()),
            Refused(Reason.APPROVAL_MISSING),
            id="nothing is allowed any more",
        ),
        pytest.param(
            token(scope=()), replace(ISSUED, token=replace(TOKEN, scope=())), id="moved in"
        ),
        pytest.param(
            replace(FACTS, policy=RefreshPolicy.ROTATE),
            Rotate(token=TOKEN, app_id=APP, scope=SCOPE),
            id="its client rotates",
        ),
        pytest.param(
            REPEATED,
            Repeat(token=SPENT, successor=SUCCESSOR, app_id=APP, scope=SCOPE),
            id="a repeat at once",
        ),
        pytest.param(
            replace(REPEATED, successor=replace(SUCCESSOR, used_at=NOON)),
            RevokeFamily(token=SPENT),
            id="a repeat after its successor was used",
        ),
        pytest.param(
            replace(REPEATED, successor=replace(SUCCESSOR, revoked_at=NOON)),
            RevokeFamily(token=SPENT),
            id="a repeat after its successor was revoked",
        ),
        pytest.param(
            replace(REPEATED, successor=None), RevokeFamily(token=SPENT), id="no successor"
        ),
        pytest.param(
            replace(REPEATED, client_is_blocked=True),
            Refused(Reason.CLIENT_BLOCKED),
            id="a repeat of a blocked client",
        ),
    ],
)
def test_a_refresh(facts: RefreshFacts, verdict: object) -> None:
    assert judge(facts, now=NOON) == verdict


@pytest.mark.parametrize(
    ("late", "kind"),
    [
        (GRACE, Repeat),
        (GRACE + timedelta(microseconds=1), RevokeFamily),
        (timedelta(seconds=-1), Repeat),  # another replica's clock is a little ahead
    ],
)
def test_the_grace_time_of_a_repeat(late: timedelta, kind: type) -> None:
    assert isinstance(judge(REPEATED, now=NOON + late), kind)


SCOPES = st.frozensets(st.sampled_from(["a", "b", "c", "d", "e"]))
ORDERED: Callable[..., Any] = lambda: SCOPES.map(lambda items: tuple(sorted(items)))  # noqa: E731


@given(granted=ORDERED(), app=ORDERED(), client_type=SCOPES, roles=SCOPES)
def test_scope_never_widens(
    granted: tuple[str, ...],
    app: tuple[str, ...],
    client_type: frozenset[str],
    roles: frozenset[str],
) -> None:
    facts = replace(FACTS, app_scope=app, client_type_scope=client_type, role_scope=roles)
    given_scope = set(granted_scope(facts, replace(TOKEN, scope=granted)))

    assert given_scope <= set(app) & client_type & roles
    assert not granted or given_scope <= set(granted)
    assert given_scope == (set(granted) or set(app)) & set(app) & client_type & roles
