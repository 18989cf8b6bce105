"""Nonces in JWTs: what they say, and which of them count (spec O4, docs §4.3)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from services.mithril_api.domain.keys import LOGIN_JWT, Keyring
from services.mithril_api.domain.nonces import (
    LOGIN,
    TRUSTED_PIS,
    Audience,
    NonceFacts,
    compose,
    judge,
    nonce_of,
    read,
)
from services.mithril_api.domain.refusals import Reason, Refused, Unfit

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = Keyring.of(["key-for-tests-0123456789"]).signing_keys(LOGIN_JWT)[0]
OTHER = Keyring.of(["another-key-for-tests-0123"]).signing_keys(LOGIN_JWT)[0]
NONCE = nonce_of(2**127 + 41)
TOKEN_ID = UUID(int=7)
QUARTER = timedelta(minutes=15)


def a_jwt(audience: Audience = LOGIN, key: bytes = KEY) -> str:
    return compose(
        NONCE, audience=audience, token_id=TOKEN_ID, key=key, now=NOON, lives=QUARTER
    )


def test_it_says_what_is_documented() -> None:
    token = jwt.decode(a_jwt(), OctKey.import_key(KEY), algorithms=["HS512"])

    issued = int(NOON.timestamp())
    assert token.claims == {
        "iss": "EHealth",
        "aud": "mithril-login",
        "typ": "access",
        "nonce": str(NONCE),
        "sub": str(NONCE),
        "jti": str(TOKEN_ID),
        "iat": issued,
        "nbf": issued - 1,
        "exp": issued + 900,
    }
    assert NONCE.version == 4


def test_a_nonce_is_read_back_under_any_key_that_still_counts() -> None:
    assert read(a_jwt(), keys=[OTHER, KEY], audience=LOGIN, now=NOON) == NONCE


def forged(**claims: object) -> str:
    known = jwt.decode(a_jwt(), OctKey.import_key(KEY), algorithms=["HS512"]).claims
    made = {**known, **claims}
    return jwt.encode({"alg": "HS512"}, made, OctKey.import_key(KEY), algorithms=["HS512"])


UNSIGNED = "eyJhbGciOiJub25lIn0." + a_jwt().split(".")[1] + "."


@pytest.mark.parametrize(
    ("value", "at"),
    [
        pytest.param("nonsense", NOON, id="nonsense"),
        pytest.param("", NOON, id="nothing"),
        pytest.param("a.b.c", NOON, id="three parts of nothing"),
        pytest.param("é.é.é", NOON, id="letters no JWT has"),
        pytest.param("a" * 5000, NOON, id="too long to be looked at"),
        pytest.param(a_jwt(key=OTHER), NOON, id="another key's"),
        pytest.param(UNSIGNED, NOON, id="alg none"),
        pytest.param(a_jwt("trusted-client"), NOON, id="of another audience"),
        pytest.param(a_jwt(), NOON + QUARTER, id="expired on the dot"),
        pytest.param(a_jwt(), NOON - timedelta(seconds=2), id="from the future"),
        pytest.param(forged(nonce=123), NOON, id="the original's constant nonce"),
        pytest.param(forged(exp="never"), NOON, id="an end that is no number"),
        pytest.param(forged(nbf=None), NOON, id="no beginning"),
        pytest.param(forged(typ="refresh"), NOON, id="of another kind"),
    ],
)
def test_what_is_no_live_nonce_of_ours_is_none(value: str, at: datetime) -> None:
    assert read(value, keys=[KEY], audience=LOGIN, now=at) is None


OURS = NonceFacts(client_exists=True, client_type="Auth_FE")
TRUSTED = NonceFacts(client_exists=True, client_type=TRUSTED_PIS)
RIGHT = NonceFacts(client_exists=True, client_type=TRUSTED_PIS, secret_is_right=True)
BLOCKED = NonceFacts(client_exists=True, client_is_blocked=True, client_type=TRUSTED_PIS)


@pytest.mark.parametrize(
    ("facts", "sent", "verdict"),
    [
        pytest.param(OURS, False, "mithril-login", id="of an ordinary client"),
        pytest.param(OURS, True, "mithril-login", id="who need not prove itself"),
        pytest.param(RIGHT, True, "trusted-client", id="of a trusted one that did"),
        pytest.param(TRUSTED, True, Refused(Reason.CLIENT_SECRET_WRONG), id="that did not"),
        pytest.param(BLOCKED, False, Refused(Reason.CLIENT_BLOCKED_AT_NONCE), id="blocked"),
        pytest.param(
            NonceFacts(client_exists=False), True, Refused(Reason.NOT_FOUND), id="unknown"
        ),
    ],
)
def test_a_nonce_is_given_to_whom(facts: NonceFacts, sent: bool, verdict: object) -> None:
    assert judge(facts, secret_is_sent=sent) == verdict


def test_a_trusted_client_that_shows_nothing_is_told_what_is_missing() -> None:
    verdict = judge(TRUSTED, secret_is_sent=False)

    assert isinstance(verdict, Unfit)
    assert [item.rendered() for item in verdict.fields] == [
        {
            "entry_type": "json_data_property",
            "entry": "$.client_secret",
            "rules": [
                {
                    "rule": "required",
                    "params": [],
                    "description": "required property client_secret was not present",
                }
            ],
        }
    ]
