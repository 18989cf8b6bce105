"""JWTs of ours: whose signature they bear, and that nothing else passes for it."""

import base64
import hmac
from functools import cache
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from services.mithril_api.domain.oauth2 import jose
from services.mithril_api.domain.oauth2.jose import Pair, Signer
from services.mithril_api.domain.oauth2.signing_keys import Alg
from shared.wire import jws
from shared.wire.jws import Compact, Unusable
from tests.builders import a_pair

CLAIMS = {"iss": "https://mithril.test", "sub": "somebody"}
each_alg = pytest.mark.parametrize("alg", Alg)


@cache
def signer(alg: Alg) -> Signer:
    pair = a_pair(alg)
    return jose.signer_of(pair.kid, alg, pair.private_jwk)


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def shown(value: str) -> Compact:
    found = jws.read(value)
    assert found is not None
    return found


def passes(value: str, pair: Pair) -> bool:
    key, found = jws.public_key(pair.public_jwk), jws.read(value)
    assert not isinstance(key, Unusable)
    return found is not None and jws.is_signed(found, key)


@each_alg
def test_what_a_key_signs_its_public_half_proves(alg: Alg) -> None:
    value = signer(alg).sign(CLAIMS, typ="at+jwt")

    assert passes(value, a_pair(alg))
    assert shown(value).claims == CLAIMS
    assert shown(value).header == {"alg": alg, "kid": a_pair(alg).kid, "typ": "at+jwt"}


@pytest.mark.parametrize("alg", [Alg.RS256, Alg.PS256, Alg.ES256])
def test_a_library_reads_it_with_what_is_published(alg: Alg) -> None:
    keys = KeySet.import_key_set({"keys": [dict(a_pair(alg).public_jwk)]})

    token = jwt.decode(signer(alg).sign(CLAIMS), keys, algorithms=[alg])

    assert token.claims == CLAIMS


@each_alg
def test_one_changed_letter_is_seen(alg: Alg) -> None:
    head, body, signature = signer(alg).sign(CLAIMS).split(".")
    other = encoded({**CLAIMS, "sub": "somebody else"})

    assert not passes(f"{head}.{other}.{signature}", a_pair(alg))
    swapped = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    assert not passes(f"{head}.{body}.{swapped}", a_pair(alg))


def test_no_algorithm_is_taken_but_the_keys_own() -> None:
    pair = a_pair(Alg.RS256)
    body = encoded(CLAIMS)
    bare = f"{encoded({'alg': 'none', 'kid': pair.kid})}.{body}"
    confused = f"{encoded({'alg': 'HS256', 'kid': pair.kid})}.{body}"
    secret = orjson.dumps(pair.public_jwk)
    mac = encoded(hmac.digest(secret, confused.encode(), "sha256"))
    other = signer(Alg.PS256).sign(CLAIMS)

    assert not passes(f"{bare}.", pair)
    assert not passes(f"{bare}.AAAA", pair)
    assert not passes(f"{confused}.{mac}", pair)
    assert not passes(other, pair)


def test_a_signer_shows_nothing_of_its_key() -> None:
    pair = a_pair(Alg.EDDSA)
    private = orjson.loads(pair.private_jwk)["d"]
    assert private not in repr(signer(Alg.EDDSA)) + repr(pair)


@pytest.mark.parametrize(
    ("alg", "length"),
    [(Alg.RS256, 22), (Alg.PS256, 22), (Alg.ES256, 22), (Alg.EDDSA, 43)],
)
def test_half_a_hash_is_of_the_algorithms_own_hash(alg: Alg, length: int) -> None:
    assert len(signer(alg).left_half("mth0000")) == length
