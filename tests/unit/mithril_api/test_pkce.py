"""Proof Key for Code Exchange (RFC 7636)."""

import pytest

from services.mithril_api.domain.pkce import matches

# The pair of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("challenge", "verifier", "matched"),
    [
        (CHALLENGE, VERIFIER, True),
        (CHALLENGE, VERIFIER[::-1], False),
        (CHALLENGE, None, False),
        (CHALLENGE, "short", False),
        (CHALLENGE, CHALLENGE, False),  # `plain` is not offered
        (None, VERIFIER, False),  # a downgrade: the code was asked for without a challenge
        (None, None, True),
    ],
)
def test_a_verifier(challenge: str | None, verifier: str | None, matched: bool) -> None:
    assert matches(challenge, verifier) is matched
