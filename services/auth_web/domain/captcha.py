"""reCAPTCHA v2, the checkbox: what a form that has it needs of the vendor."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from services.auth_web.domain.languages import Language

VENDORS_SCRIPT = "https://www.google.com/recaptcha/api.js"
RESPONSE_FIELD = "g-recaptcha-response"  # its script puts it into the form

# As the vendor's FAQ gives them for policies.
_VENDORS_SCRIPTS = (
    "https://www.google.com/recaptcha/",
    "https://www.gstatic.com/recaptcha/",
)
_VENDORS_FRAMES = (
    "https://www.google.com/recaptcha/",
    "https://recaptcha.google.com/recaptcha/",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captcha:
    """A widget, and what its page must allow (CSP) for it to work."""

    site_key: str
    script: str

    def script_in(self, language: Language) -> str:
        """The address of the script of a widget that speaks the language."""
        return f"{self.script}{'&' if '?' in self.script else '?'}hl={language}"

    @property
    def scripts(self) -> tuple[str, ...]:
        """Where its scripts are from."""
        return _VENDORS_SCRIPTS if self._is_vendors else (self._origin,)

    @property
    def frames(self) -> tuple[str, ...]:
        """Where its frames are from."""
        return _VENDORS_FRAMES if self._is_vendors else (self._origin,)

    @property
    def _is_vendors(self) -> bool:
        return self.script.partition("?")[0] == VENDORS_SCRIPT

    @property
    def _origin(self) -> str:
        parts = urlsplit(self.script)
        return f"{parts.scheme}://{parts.netloc}"
