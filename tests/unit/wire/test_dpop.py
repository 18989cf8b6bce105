"""Proofs of keys: what is compared, what is refused, and that reading them never fails."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.models.confirmations import UNBOUND, Confirmation, confirmation_of
from shared.wire import dpop, holders, jws
from shared.wire.dpop import Proof, Unfit
from shared.wire.holders import Shown
from tests.integration.mithril_api.oauth2.proving import a_key, encoded, signed

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
URL = "https://api.test/things"


def a_proof(**but: Any) -> str:
    claims = {"htm": "GET", "htu": URL, "jti": "1", "iat": int(NOON.timestamp())}
    header = {"typ": "dpop+jwt", "jwk": a_key().as_dict(), **but.pop("header", {})}
    return signed(but.pop("key", a_key()), {**claims, **but}, **header)


def read(text: str) -> Proof:
    found = dpop.read([text])
    assert isinstance(found, Proof)
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (URL, "HTTPS://API.test:443/things"),
        (URL, URL + "?page=1#top"),
        ("https://api.test", "https://api.test/"),
        ("http://api.test:80/a%7eb", "http://api.test/a~b"),
        ("https://api.test/%d1%94", "https://api.test/%D1%94"),
        ("http://[::1]:80/x", "http://[0::1]/x"),
    ],
)
def test_two_ways_to_write_an_address_are_one(one: str, other: str) -> None:
    assert dpop.target_of(one) == dpop.target_of(other) is not None


@pytest.mark.parametrize(
    "other",
    [
        "http://api.test/things",
        "https://api.test:444/things",
        "https://api.test/Things",
        "https://api.test/things/",
        "https://api.test/thin%2Fgs",
        "https://api.test.evil.test/things",
        "https://api.test@evil.test/things",
        "https://evil.test@api.test/things",
        "https://api.test\\@evil.test/things",
        "//api.test/things",
        "/things",
        "ftp://api.test/things",
        "https:///things",
        "https://api.test:port/things",
        "https://[::1/things",
        "",
    ],
)
def test_another_address_is_another(other: str) -> None:
    assert dpop.target_of(other) != dpop.target_of(URL)


@settings(max_examples=60)
@given(st.text(max_size=20), st.sampled_from(["", "?a=b", "#c", "?x#y"]))
def test_an_address_is_the_same_however_often_it_is_read(path: str, rest: str) -> None:
    address = "https://api.test/" + quote(path.replace("/", "").strip("."))
    target = dpop.target_of(address + rest)
    assert target is not None
    assert dpop.target_of(target) == target == dpop.target_of(address)


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_any_text_is_an_address_or_none(text: str) -> None:
    dpop.target_of(text)
    dpop.target_of("https://" + text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@settings(max_examples=80)
@given(
    header=st.fixed_dictionaries(
        {"typ": st.just("dpop+jwt") | JSON, "alg": st.just("ES256") | JSON},
        optional={"jwk": st.dictionaries(st.sampled_from(["kty", "crv", "x", "n"]), JSON)},
    ),
    claims=st.dictionaries(st.sampled_from(["jti", "htm", "htu", "iat", "ath"]), JSON),
)
def test_any_parts_are_read_or_refused(header: Any, claims: Any) -> None:
    assert isinstance(
        dpop.read([f"{encoded(header)}.{encoded(claims)}.AAAA"]), Proof | Unfit
    )


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg"]), JSON))
def test_any_key_is_usable_or_not(jwk: Any) -> None:
    for kind in ("RSA", "EC", "OKP"):
        jws.public_key({"kty": kind, **jwk})


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["jkt", "x5t#S256", "kid"]), JSON) | JSON)
def test_a_binding_that_is_not_understood_binds_nevertheless(cnf: Any) -> None:
    assert confirmation_of({"cnf": cnf}).is_bound is (cnf is not None)


@pytest.mark.parametrize(
    "but",
    [
        pytest.param({"header": {"typ": "JWT"}}, id="another type"),
        pytest.param({"header": {"typ": ...}}, id="no type"),
        pytest.param({"header": {"jwk": ...}}, id="no key"),
        pytest.param({"header": {"jwk": a_key().as_dict(private=True)}}, id="private"),
        pytest.param({"header": {"jwk": {"kty": "oct", "k": "AAAA"}}}, id="symmetric"),
        pytest.param({"jti": ...}, id="no jti"),
        pytest.param({"jti": "j" * 256}, id="an endless jti"),
        pytest.param({"htm": 7}, id="a method that is no text"),
        pytest.param({"htu": ...}, id="no address"),
        pytest.param({"iat": "now"}, id="no time"),
        pytest.param({"nonce": 5}, id="a nonce that is no text"),
    ],
)
def test_what_is_no_proof_is_not_read(but: dict[str, Any]) -> None:
    assert isinstance(dpop.read([a_proof(**but)]), Unfit)


def test_two_proofs_are_none_and_no_proof_is_not_a_bad_one() -> None:
    assert isinstance(dpop.read([a_proof(), a_proof()]), Unfit)
    assert dpop.read([]) is None


@pytest.mark.parametrize(
    ("but", "fits"),
    [
        ({}, True),
        ({"iat": int(NOON.timestamp()) - 60}, True),
        ({"iat": int(NOON.timestamp()) - 61}, False),
        ({"iat": int(NOON.timestamp()) + 60}, True),
        ({"iat": int(NOON.timestamp()) + 61}, False),
        ({"htm": "get"}, False),
        ({"htm": "POST"}, False),
        ({"htu": URL + "?page=2"}, True),
        ({"htu": "https://other.test/things"}, False),
    ],
)
def test_a_proof_is_of_one_request_and_of_its_time(but: dict[str, Any], fits: bool) -> None:
    unfit = dpop.judge(read(a_proof(**but)), method="GET", urls=[URL], now=NOON)
    assert (unfit is None) is fits


BOUND = Confirmation(jkt=a_key().thumbprint())
ATH = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"  # the example of RFC 9449, §7.1
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"


def shown(*proofs: str, scheme: Any = "DPoP", **but: Any) -> Shown:
    return Shown(token=TOKEN, scheme=scheme, proofs=proofs, **but)


@pytest.mark.parametrize(
    ("bound", "given_", "is_holder"),
    [
        pytest.param(BOUND, shown(a_proof(ath=ATH)), True, id="proved"),
        pytest.param(UNBOUND, shown(scheme="Bearer"), True, id="a bearer token"),
        pytest.param(BOUND, shown(scheme="Bearer"), False, id="as a bearer token"),
        pytest.param(
            BOUND, shown(a_proof(ath=ATH), scheme="Bearer"), False, id="as bearer, proved"
        ),
        pytest.param(UNBOUND, shown(a_proof(ath=ATH)), False, id="bound to nothing"),
        pytest.param(BOUND, shown(), False, id="no proof"),
        pytest.param(BOUND, shown(*[a_proof(ath=ATH)] * 2), False, id="two proofs"),
        pytest.param(BOUND, shown(a_proof()), False, id="for no token"),
        pytest.param(BOUND, shown(a_proof(ath="A" * 43)), False, id="for another token"),
        pytest.param(BOUND, shown(a_proof(ath=ATH, htm="PUT")), False, id="other method"),
        pytest.param(
            BOUND,
            shown(
                a_proof(ath=ATH, key=a_key("two"), header={"jwk": a_key("two").as_dict()})
            ),
            False,
            id="another key",
        ),
        pytest.param(
            BOUND, shown(a_proof(ath=ATH, key=a_key("two"))), False, id="not its signature"
        ),
        pytest.param(
            Confirmation(jkt=BOUND.jkt, x5t="x"),
            shown(a_proof(ath=ATH)),
            False,
            id="no tls",
        ),
        pytest.param(
            Confirmation(x5t="x"), shown(scheme="Bearer", x5t="y"), False, id="other tls"
        ),
        pytest.param(
            Confirmation(x5t="x"), shown(scheme="Bearer", x5t="x"), True, id="tls"
        ),
        pytest.param(
            confirmation_of({"cnf": {"kid": "x"}}), shown(scheme="Bearer"), False, id="odd"
        ),
    ],
)
def test_a_token_is_its_holders(
    bound: Confirmation, given_: Shown, is_holder: bool
) -> None:
    verdict = holders.judge(bound, given_, method="GET", urls=[URL], now=NOON)
    assert isinstance(verdict, Unfit) is not is_holder


def test_a_proof_that_is_written_in_another_way_is_known_again() -> None:
    later = int((NOON + timedelta(seconds=5)).timestamp())
    assert read(a_proof()).digest() == read(a_proof(iat=later)).digest()
    assert read(a_proof()).digest() != read(a_proof(jti="2")).digest()
