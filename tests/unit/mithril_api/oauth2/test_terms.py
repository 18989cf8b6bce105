"""What a request adds to a code or a refresh token: scope, resource, policy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.mithril_api.domain import codes, refresh
from services.mithril_api.domain.codes import CodeFacts, Exchange
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refresh import (
    Issue,
    Lifetimes,
    RefreshFacts,
    Rotate,
    Terms,
)
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.ids import AppId, ClientId, ConnectionId, FamilyId, TokenId, UserId
from shared.models.tokens import RefreshPolicy, TokenName

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OURS = ClientId(uuid4())
SCOPE = ("a:read", "b:read", "d:read")
HERE, THERE = "https://here.test", "https://there.test"
URI = "https://clinic.test/callback"
TOKEN = Token(
    id=TokenId(uuid4()),
    name=TokenName.REFRESH,
    digest=b"",
    user_id=UserId(uuid4()),
    client_id=OURS,
    family_id=FamilyId(uuid4()),
    scope=SCOPE,
    details={"redirect_uri": URI, "resource": [HERE]},
    expires_at=NOON + timedelta(days=1),
    inserted_at=NOON - timedelta(days=1),
)
FACTS = RefreshFacts(
    client_id=OURS,
    connection_id=ConnectionId(uuid4()),
    token=TOKEN,
    app_id=AppId(uuid4()),
    app_scope=SCOPE,
    client_type_scope=frozenset({"a:read", "b:read", "d:read"}),
    role_scope=frozenset({"a:read", "d:read"}),
)


def judged(terms: Terms, **but: Any) -> Any:
    return refresh.judge(replace(FACTS, **but), terms, now=NOON)


def test_all_that_is_left_of_what_was_granted_is_given_where_nothing_is_asked() -> None:
    assert judged(Terms()).scope == ("a:read", "d:read")


def test_no_scope_goes_without_a_role() -> None:
    token = replace(TOKEN, scope=("x:read",))

    verdict = judged(Terms(), token=token, app_scope=("x:read",))

    assert verdict == Refused(Reason.APPROVAL_MISSING)


def test_what_only_tells_who_the_user_is_needs_no_role_but_the_users_consent() -> None:
    token = replace(TOKEN, scope=("openid", "email", "x:read"))

    verdict = judged(Terms(), token=token, app_scope=("openid", "x:read"))

    assert verdict.scope == ("openid",)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"a:read"}, ("a:read",)),
        ({"a:read", "b:read"}, ("a:read",)),
        ({"c:read"}, Refused(Reason.SCOPE_NOT_GRANTED)),
        ({"b:read"}, Refused(Reason.SCOPE_NOT_GRANTED)),  # granted, and lost with the role
    ],
)
def test_a_narrower_scope_is_given_and_a_wider_one_refused(
    scope: set[str], expected: Any
) -> None:
    verdict = judged(Terms(scope=frozenset(scope)))

    assert (verdict if isinstance(verdict, Refused) else verdict.scope) == expected


def test_a_resource_must_be_one_of_those_granted() -> None:
    assert isinstance(judged(Terms(resources=(HERE,))), Issue)
    assert judged(Terms(resources=(THERE,))) == Refused(Reason.RESOURCE_NOT_GRANTED)


@pytest.mark.parametrize(
    ("chosen", "default", "is_public", "kind"),
    [
        (None, RefreshPolicy.REUSE, False, Issue),
        (None, RefreshPolicy.ROTATE, False, Rotate),
        (RefreshPolicy.REUSE, RefreshPolicy.ROTATE, False, Issue),
        (RefreshPolicy.ROTATE, RefreshPolicy.REUSE, False, Rotate),
        (RefreshPolicy.REUSE, RefreshPolicy.ROTATE, True, Rotate),
        (None, RefreshPolicy.REUSE, True, Rotate),
    ],
)
def test_the_clients_choice_goes_before_the_endpoints_and_a_public_one_has_none(
    chosen: RefreshPolicy | None, default: RefreshPolicy, is_public: bool, kind: type
) -> None:
    verdict = judged(Terms(policy=default, is_public=is_public), policy=chosen)

    assert isinstance(verdict, kind)


@pytest.mark.parametrize(
    ("details", "terms", "expected"),
    [
        ({}, Terms(), None),
        ({}, Terms(is_public=True), Reason.PKCE_FAILED),
        ({"resource": [HERE]}, Terms(resources=(HERE,)), None),
        ({"resource": [HERE]}, Terms(resources=(THERE,)), Reason.RESOURCE_NOT_GRANTED),
    ],
)
def test_a_code_is_bound_to_what_began_it(
    details: dict[str, Any], terms: Terms, expected: Reason | None
) -> None:
    code = replace(TOKEN, name=TokenName.CODE, details={"redirect_uri": URI, **details})
    facts = CodeFacts(
        client_id=OURS,
        connection_id=ConnectionId(uuid4()),
        registered_uri=URI,
        code=code,
        app_id=AppId(uuid4()),
    )

    verdict = codes.judge(
        facts, redirect_uri=URI, code_verifier=None, terms=terms, now=NOON
    )

    if expected is None:
        assert isinstance(verdict, Exchange)
    else:
        assert verdict == Refused(expected)


def test_a_family_ends_when_it_is_not_used_or_when_it_is_old() -> None:
    day = timedelta(days=1)
    lives = Lifetimes(idle=14 * day, absolute=90 * day)

    assert lives.ends(NOON, now=NOON) == NOON + 14 * day
    assert lives.ends(NOON, now=NOON + 80 * day) == NOON + 90 * day
    assert Lifetimes(idle=14 * day).ends(NOON, now=NOON + 80 * day) == NOON + 94 * day


def test_a_family_began_with_its_first_token() -> None:
    noted = replace(TOKEN, details={"family_started_at": int(NOON.timestamp())})

    assert refresh.started_at(TOKEN) == TOKEN.inserted_at
    assert refresh.started_at(noted) == NOON
