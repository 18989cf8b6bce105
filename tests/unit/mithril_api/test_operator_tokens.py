"""Whether an operator may have a sign-in token made for a user (spec §1.4, D14)."""

from dataclasses import replace

import pytest

from services.mithril_api.domain.operator_tokens import (
    Issue,
    IssueFacts,
    Verdict,
    judge,
)
from services.mithril_api.domain.refusals import Reason, Refused

ALLOWED = IssueFacts(
    user_exists=True,
    client_exists=True,
    client_may_sign_in=True,
    client_type_scope=frozenset({"a:read", "b:read"}),
)


@pytest.mark.parametrize(
    ("facts", "scope", "verdict"),
    [
        pytest.param(ALLOWED, ("b:read",), Issue(scope=("b:read",)), id="allowed"),
        pytest.param(
            ALLOWED, ("b:read", "a:read"), Issue(scope=("b:read", "a:read")), id="all of it"
        ),
        pytest.param(
            IssueFacts(user_exists=False),
            ("a:read",),
            Refused(Reason.NOT_FOUND),
            id="nobody",
        ),
        pytest.param(
            replace(ALLOWED, user_is_blocked=True, client_exists=False),
            ("a:read",),
            Refused(Reason.USER_BLOCKED),
            id="a blocked user, before the client",
        ),
        pytest.param(
            replace(ALLOWED, client_exists=False, client_may_sign_in=False),
            ("a:read",),
            Refused(Reason.CLIENT_UNKNOWN_AT_LOGIN),
            id="no client",
        ),
        pytest.param(
            replace(ALLOWED, client_is_blocked=True, client_may_sign_in=False),
            ("a:read",),
            Refused(Reason.CLIENT_BLOCKED),
            id="a blocked client, before its grants",
        ),
        pytest.param(
            replace(ALLOWED, client_may_sign_in=False),
            ("c:read",),
            Refused(Reason.CLIENT_GRANT_FORBIDDEN),
            id="a client that signs nobody in, before the scope",
        ),
        pytest.param(
            ALLOWED,
            ("a:read", "c:read"),
            Refused(Reason.SCOPE_NOT_OF_CLIENT_TYPE),
            id="a scope beyond the client type",
        ),
    ],
)
def test_a_token_for_a_user(
    facts: IssueFacts, scope: tuple[str, ...], verdict: Verdict
) -> None:
    assert judge(facts, scope=scope) == verdict
