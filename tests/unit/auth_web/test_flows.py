"""What a query of /sign-in means, and where it can never lead."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.auth_web.domain.flows import (
    Fault,
    OwnPage,
    ToClient,
    ToOwnPage,
    parse,
)
from shared.wire.addresses import is_sound

CLIENT = "7e0b5a0e-4c4f-4c55-9d0e-2a4f3a3a1d11"
URI = "https://clinic.test/callback"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def _query(**but: str | None) -> list[tuple[str, str]]:
    asked: dict[str, str | None] = {"client_id": CLIENT, "redirect_uri": URI, **but}
    return [(name, value) for name, value in asked.items() if value is not None]


def test_a_whole_query_is_a_flow_to_its_client() -> None:
    asked = _query(
        scope="person:read",
        state="s",
        code_challenge=CHALLENGE,
        code_challenge_method="S256",
        email="doctor@clinic.test",
    )
    assert parse(asked) == ToClient(
        client_id=CLIENT,
        redirect_uri=URI,
        scope="person:read",
        state="s",
        code_challenge=CHALLENGE,
        code_challenge_method="S256",
        email="doctor@clinic.test",
    )


def test_a_flow_is_carried_along_unchanged() -> None:
    flow = parse(_query(scope="a:read b:write", state="+& /%?"))
    assert isinstance(flow, ToClient)
    assert parse(parse_qsl(flow.query())) == flow


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        pytest.param([], Fault.NO_CLIENT_ID, id="nothing"),
        pytest.param(_query(client_id=None), Fault.NO_CLIENT_ID, id="no client"),
        pytest.param(_query(client_id=""), Fault.NO_CLIENT_ID, id="an empty client"),
        pytest.param(_query(redirect_uri=None), Fault.NO_REDIRECT_URI, id="no redirect"),
        pytest.param(_query(client_id="1"), Fault.WRONG_CLIENT, id="no uuid"),
        pytest.param(
            [*_query(), ("client_id", CLIENT)], Fault.BAD_REQUEST, id="a client twice"
        ),
        pytest.param(
            [*_query(), ("state", "")] * 2, Fault.BAD_REQUEST, id="all of it twice"
        ),
        pytest.param(_query(state="s" * 2049), Fault.BAD_REQUEST, id="a state without end"),
        pytest.param(
            _query(code_challenge=CHALLENGE), Fault.BAD_REQUEST, id="a challenge, no method"
        ),
        pytest.param(
            _query(code_challenge_method="S256"), Fault.BAD_REQUEST, id="no challenge"
        ),
        pytest.param(
            _query(code_challenge=CHALLENGE, code_challenge_method="plain"),
            Fault.BAD_REQUEST,
            id="a plain challenge",
        ),
        pytest.param([("to", "https://evil.test")], Fault.BAD_REQUEST, id="to elsewhere"),
        pytest.param([("to", "//evil.test")], Fault.BAD_REQUEST, id="to another host"),
    ],
)
def test_a_query_with_a_fault_is_no_flow(
    query: list[tuple[str, str]], fault: Fault
) -> None:
    assert parse(query) is fault


@pytest.mark.parametrize(
    "uri",
    [
        "//evil.test",
        "/callback",
        "https:evil.test",
        "https:/evil.test",
        "https:///evil.test",
        r"https:\\evil.test",
        r"https://clinic.test\@evil.test/callback",
        "https://clinic.test@evil.test/callback",
        "https://user:word@clinic.test/callback",
        "https://clinic.test/callback#fragment",
        "https://clinic.test/call back",
        "https://clinic.test/\tcallback",
        "https://clinic.test/callback\r\nSet-Cookie: a=b",
        "https://clinic.test:port/callback",
        "https://[::1/callback",
        "https://кліника.test/callback",
        "http://clinic.test/callback",
        "http://127.0.0.1.evil.test/callback",
        "javascript:alert(1)//https://clinic.test/callback",
        "data:text/html,x",
        "ftp://clinic.test/callback",
        "%2F%2Fevil.test",
        "https%3A%2F%2Fevil.test",
        "",
    ],
)
def test_what_browsers_and_servers_read_differently_is_never_led_to(uri: str) -> None:
    assert not is_sound(uri)
    assert parse(_query(redirect_uri=uri)) in {Fault.WRONG_REDIRECT, Fault.NO_REDIRECT_URI}


@pytest.mark.parametrize(
    "uri",
    [
        URI,
        "https://clinic.test:8443/callback?tenant=1",
        "http://127.0.0.1:8084/auth/redirect",
        "http://localhost:3000/cb",
        "http://[::1]:3000/cb",
    ],
)
def test_https_and_loopback_may_be_led_to(uri: str) -> None:
    assert is_sound(uri)


@given(st.text())
def test_no_text_at_all_upsets_the_reading_of_a_query(text: str) -> None:
    is_sound(text)
    parse([("client_id", CLIENT), ("redirect_uri", text), ("state", text)])


def test_a_refusal_keeps_the_query_of_the_redirect_and_brings_the_state() -> None:
    flow = ToClient(client_id=CLIENT, redirect_uri=f"{URI}?tenant=1&error=x", state="a b")
    assert flow.denied() == f"{URI}?error=access_denied&state=a+b&tenant=1"


def test_forms_may_end_at_the_client_and_plain_http_only_at_its_own_address() -> None:
    away = ToClient(client_id=CLIENT, redirect_uri=URI)
    here = ToClient(client_id=CLIENT, redirect_uri="http://127.0.0.1:8084/auth/redirect")
    assert away.sources() == ("https:",)
    assert here.sources() == ("https:", "http://127.0.0.1:8084")
    assert ToOwnPage(page=OwnPage.FACTORS).sources() == ()


def test_a_page_of_ours_is_asked_for_by_name() -> None:
    assert parse([("to", "factors"), ("again", "1")]) == ToOwnPage(
        page=OwnPage.FACTORS, again=True
    )
    assert OwnPage.ACCOUNT.path == "/"
    assert OwnPage.APPROVALS.path == "/approvals"
