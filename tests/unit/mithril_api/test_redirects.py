"""Redirect URIs: exact, and with the answer in their query (RFC 9700 §2.1)."""

import pytest

from services.mithril_api.domain.redirects import is_registered, with_parameters

URI = "https://clinic.test/callback"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(URI, True, id="the same"),
        pytest.param("https://mis.test/?a=b", True, id="another one that is registered"),
        pytest.param(f"{URI}/", False, id="with a slash"),
        pytest.param(f"{URI}/deeper", False, id="below it"),
        pytest.param(f"{URI}?a=b", False, id="with a query"),
        pytest.param("https://CLINIC.test/callback", False, id="in other letters"),
        pytest.param(f"https://evil.test/?u={URI}", False, id="that contains it"),
        pytest.param(f"javascript:alert(1)//{URI}", False, id="a script that contains it"),
        pytest.param("https://[clinic.test/", False, id="registered, but no URI"),
    ],
)
def test_a_uri_is_registered_to_the_letter(sent: str, expected: bool) -> None:
    registered = [URI, "https://mis.test/?a=b", "https://[clinic.test/"]

    assert is_registered(sent, registered) is expected


@pytest.mark.parametrize(
    ("uri", "state", "expected"),
    [
        pytest.param(URI, None, f"{URI}?code=X", id="nothing else"),
        pytest.param(URI, "s 1", f"{URI}?code=X&state=s+1", id="state after code"),
        pytest.param(f"{URI}?b=2&a=", None, f"{URI}?code=X&a=&b=2", id="its own in order"),
        pytest.param(
            f"{URI}?code=old&state=mine",
            None,
            f"{URI}?code=X&state=mine",
            id="code is ours",
        ),
        pytest.param(
            f"{URI}?state=mine", "new", f"{URI}?code=X&state=new", id="state that was sent"
        ),
        pytest.param(f"{URI}#top", None, f"{URI}?code=X#top", id="before a fragment"),
        pytest.param(
            f"{URI}?name=%D0%87%D0%B6%D0%B0%D0%BA",
            None,
            f"{URI}?code=X&name=%D0%87%D0%B6%D0%B0%D0%BA",
            id="letters of every alphabet",
        ),
    ],
)
def test_the_answer_goes_into_the_query(uri: str, state: str | None, expected: str) -> None:
    assert with_parameters(uri, code="X", state=state) == expected
