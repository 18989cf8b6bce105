"""Whether a user may let a client act with a scope (spec §1.3 O3)."""

from dataclasses import replace

import pytest

from services.mithril_api.domain.consent import Consent, ConsentFacts, Verdict, judge
from services.mithril_api.domain.refusals import Reason, Refused

URI = "https://clinic.test/callback"
FACTS = ConsentFacts(
    client_exists=True,
    user_exists=True,
    redirect_uris=(URI, "https://mis.test/"),
    client_type_scope=frozenset({"episode:read", "episode:write", "person:read"}),
    role_scope=("episode:write", "episode:read", "episode:read", "user:read"),
)
NO_SCOPE = Refused(Reason.SCOPE_EMPTY)
TRUSTED_FACTS = replace(FACTS, role_scope=("person:read", "episode:read", "person:read"))


@pytest.mark.parametrize(
    ("facts", "scope", "verdict"),
    [
        pytest.param(
            FACTS,
            "episode:read episode:write",
            Consent(scope=("episode:read", "episode:write")),
            id="what roles and client type allow",
        ),
        pytest.param(
            ConsentFacts(client_exists=False),
            "episode:read",
            Refused(Reason.CLIENT_UNKNOWN),
            id="no such client",
        ),
        pytest.param(
            replace(FACTS, client_is_blocked=True, user_exists=False),
            "episode:read",
            Refused(Reason.CLIENT_BLOCKED),
            id="a blocked client, asked before the user",
        ),
        pytest.param(
            replace(FACTS, user_exists=False),
            "episode:read",
            Refused(Reason.USER_UNKNOWN),
            id="no such user",
        ),
        pytest.param(
            replace(FACTS, user_is_blocked=True, redirect_uris=()),
            "episode:read",
            Refused(Reason.USER_BLOCKED),
            id="a blocked user, asked before the address",
        ),
        pytest.param(
            replace(FACTS, redirect_uris=(f"{URI}/more", "https://clinic.test")),
            "",
            Refused(Reason.REDIRECT_MISMATCH_AT_CONSENT),
            id="an address that is only near a registered one, asked before the scope",
        ),
        pytest.param(FACTS, "", NO_SCOPE, id="no scope"),
        pytest.param(
            FACTS,
            "user:read never:heard-of",
            Refused(Reason.SCOPE_NOT_OF_CLIENT_TYPE),
            id="a scope the client type has not",
        ),
        pytest.param(
            FACTS,
            "episode:read person:read",
            Refused(Reason.SCOPE_NOT_OF_ROLES),
            id="a scope the user's roles have not",
        ),
        pytest.param(
            replace(FACTS, role_scope=()),
            "episode:read",
            Refused(Reason.SCOPE_NOT_OF_ROLES),
            id="a user without roles",
        ),
    ],
)
def test_a_consent(facts: ConsentFacts, scope: str, verdict: Verdict) -> None:
    assert verdict == judge(
        facts, redirect_uri=URI, scope=tuple(scope.split()), client_is_trusted=False
    )


@pytest.mark.parametrize(
    ("facts", "scope", "verdict"),
    [
        pytest.param(
            TRUSTED_FACTS,
            "",
            Consent(scope=("person:read", "episode:read")),
            id="all that the roles hold, each once",
        ),
        pytest.param(
            TRUSTED_FACTS,
            "episode:read",
            Consent(scope=("episode:read",)),
            id="what it asks for, if it does",
        ),
        pytest.param(
            replace(FACTS, role_scope=()), "", NO_SCOPE, id="nothing, without roles"
        ),
        pytest.param(
            FACTS,
            "",
            Refused(Reason.SCOPE_NOT_OF_CLIENT_TYPE),
            id="nothing, where a role holds more than the client type",
        ),
    ],
)
def test_a_trusted_client_gets(facts: ConsentFacts, scope: str, verdict: Verdict) -> None:
    assert verdict == judge(
        facts, redirect_uri=URI, scope=tuple(scope.split()), client_is_trusted=True
    )
