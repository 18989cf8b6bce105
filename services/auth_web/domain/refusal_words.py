"""mithril-api's refusals in words that help: one table from its types and texts to ours.

An unknown user and a wrong password read alike. What is not in the table is shown as the API
says it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from services.auth_web.domain.texts import Texts

# By the text of the API, which is the more exact.
_BY_MESSAGE: Mapping[str, str] = {
    "Identity, password combination is wrong.": "wrong_password",
    "User not found.": "wrong_password",
    "User blocked": "blocked",
    "User blocked.": "blocked",
    "You reached login attempts limit. Try again later": "login_limit",
    "User is not registered": "not_registered",
    "Invalid access token": "session_over",
    "Invalid token type": "session_over",
    "Token expired": "session_over",
    "Missing header x-consumer-id": "session_over",
    "Authorization header required.": "session_over",
    "Client is not allowed to issue login token.": "client_grant",
    "Grant type not allowed.": "client_grant",
    "Requested scope is empty. Scope not passed or user has no roles or global roles.": (
        "scope_empty"
    ),
    "Scope is not allowed by client type.": "scope_client",
    "User requested scope that is not allowed by role based access policies.": "scope_roles",
    "Second factor is required.": "second_factor",
    "Not found authentication factor for user.": "factor_unset",
    "Factor not set": "factor_unset",
    "the last authentication factor cannot be removed": "factor_last",
    "user has too many passkeys": "passkeys_many",
    "Password recovery is not available.": "recovery_off",
    "Client is blocked.": "client_blocked",
    "Invalid token type. Init factor at first": "session_over",
    "Digital signature signer does not contain drfo.": "person",
    "Step-up authentication required": "step_up",
    "Person with tax id from digital signature not found.": "person",
    "Person not found.": "person",
    "Sending OTP timeout. Try later.": "otp_timeout",
    "SMS not sent. Try later": "sms_fail",
}
_BY_KIND: Mapping[str, str] = {
    "user_blocked": "blocked",
    "device_code_unknown": "device_code",
    "password_expired": "password_expired",
    "otp_invalid": "otp_invalid",
    "otp_expired": "otp_expired",
    "otp_reached_max_attempts": "otp_attempts",
    "otp_timeout": "otp_timeout",
    "token_expired": "session_over",
    "token_invalid": "session_over",
    "token_not_found": "session_over",
    "token_invalid_type": "session_over",
    "internal_error": "sms_fail",
    "jwt_invalid": "jwt_invalid",
    "jwt_expired": "jwt_expired",
    "jwt_aud_invalid": "jwt_invalid",
    "tax_id_invalid": "tax_id",
    "webauthn_invalid": "passkey",
    "not_found": "not_found",
    "validation_failed": "fields",
}
_BY_RULE: Mapping[str, str] = {
    "required": "required",
    "length": "length",
    "password_used": "used",
    "password_breached": "breached",
    "email": "email",
}
_OVER = frozenset({"session_over"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A refusal of mithril-api, as far as its words matter."""

    status: int
    kind: str
    message: str
    fields: Sequence[tuple[str, str, str]] = ()  # name, rule, description
    retry_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a page says went wrong: above the form, and at its fields."""

    text: str
    status: int
    fields: Mapping[str, str] = field(default_factory=dict)
    link: tuple[str, str] | None = None  # address, words
    retry_after: int | None = None


def key_of(said: Said) -> str | None:
    """The name of our words for a refusal; none where there are none."""
    message = said.message
    if message.startswith("Invalid CAPTCHA token"):
        return "captcha_away" if "captcha-unavailable" in message else "captcha"
    found = _BY_MESSAGE.get(message) or _BY_KIND.get(said.kind)
    if found is not None:
        return found
    return "too_many" if said.status == 429 else None


def is_over(said: Said) -> bool:
    """Whether the refusal means that the session is no good any more."""
    return key_of(said) in _OVER


def trouble_of(said: Said, t: Texts) -> Trouble:
    """A refusal as a page says it."""
    key = key_of(said)
    if said.status == 429 and said.retry_after is not None:
        text = t("refused.too_many_until", seconds=said.retry_after)
    elif key is None:
        text = t("refused.unknown", said=said.message or said.kind or str(said.status))
    else:
        text = t(f"refused.{key}")
    status = said.status if said.status in {403, 429, 503} else 422
    fields = {name: _field(name, rule, about, t) for name, rule, about in said.fields}
    return Trouble(text=text, status=status, fields=fields, retry_after=said.retry_after)


def trouble(
    key: str,
    t: Texts,
    *,
    status: int = 422,
    fields: Mapping[str, str] = MappingProxyType({}),
) -> Trouble:
    """A trouble of our own; `fields` are keys of `field.…` by the name of the field."""
    marked = {name: t(f"field.{problem}") for name, problem in fields.items()}
    return Trouble(text=t(f"refused.{key}"), status=status, fields=marked)


def _field(name: str, rule: str, about: str, t: Texts) -> str:
    if rule in _BY_RULE:
        return t(f"field.{_BY_RULE[rule]}")
    if name == "password" and rule in {"format", "password"}:
        return t("field.complexity")
    if name == "factor":
        return t("field.phone")
    if name == "otp":
        return t("field.code")
    return about or t("field.invalid")
