"""Settings of the captcha, and what a page must allow for it."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.auth_web.domain.captcha import Captcha
from services.auth_web.settings import Settings


def _captcha(**but: Any) -> Captcha | None:
    values = {"client_id": str(UUID(int=1)), "cookie_keys": ("k" * 16,), **but}
    return Settings(**values).captcha()


def test_without_a_site_key_there_is_no_captcha() -> None:
    assert _captcha() is None
    assert _captcha(recaptcha_site_key="") is None


def test_of_the_vendor_no_more_is_allowed_than_it_asks_for() -> None:
    captcha = _captcha(recaptcha_site_key="6Lc_a-Z")
    assert captcha is not None
    assert captcha.script_in("uk") == "https://www.google.com/recaptcha/api.js?hl=uk"
    assert captcha.scripts == (
        "https://www.google.com/recaptcha/",
        "https://www.gstatic.com/recaptcha/",
    )
    assert captcha.frames == (
        "https://www.google.com/recaptcha/",
        "https://recaptcha.google.com/recaptcha/",
    )


def test_of_another_script_its_origin_is_allowed() -> None:
    captcha = _captcha(
        recaptcha_site_key="key", recaptcha_script_url="http://127.0.0.1:8087/a/api.js?x=1"
    )
    assert captcha is not None
    assert captcha.script_in("en") == "http://127.0.0.1:8087/a/api.js?x=1&hl=en"
    assert captcha.scripts == captcha.frames == ("http://127.0.0.1:8087",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recaptcha_site_key", 'key" onload="x'),
        ("recaptcha_script_url", "javascript:alert(1)"),
        ("recaptcha_script_url", "https://a.test/x; script-src *"),
        ("recaptcha_script_url", "https://a.test;script-src/x"),
        ("recaptcha_script_url", "https://user@a.test/x.js"),
        ("recaptcha_script_url", "https://a.test"),
        ("recaptcha_script_url", "https://a.test/x.js\n"),
        ("recaptcha_script_url", "//a.test/x.js"),
    ],
)
def test_what_no_page_or_policy_can_carry_stops_the_process_at_start(
    name: str, value: str
) -> None:
    with pytest.raises(ValidationError):
        _captcha(**{name: value})
