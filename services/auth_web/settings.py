"""Settings of auth-web."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from pydantic import Field, SecretStr, field_validator

from services.auth_web.domain.captcha import VENDORS_SCRIPT, Captcha
from shared.runtime.settings import ProcessSettings, Secrets


class Settings(ProcessSettings):
    """From the environment; frozen."""

    port: int = Field(8085, validation_alias="MITHRIL_PORT", ge=0, le=65535)
    internal_port: int = Field(
        8185, validation_alias="MITHRIL_INTERNAL_PORT", ge=0, le=65535
    )
    mithril_api_url: str = Field(
        "http://127.0.0.1:8180",
        validation_alias="MITHRIL_API_URL",
        pattern="^https?://",
        description="internal listener of mithril-api, which knows clients and redirect URIs",
    )
    mithril_api_public_url: str = Field(
        "http://127.0.0.1:8080",
        validation_alias="MITHRIL_API_PUBLIC_URL",
        pattern="^https?://",
        description="public listener of mithril-api: its login API",
    )
    mithril_api_seconds: float = Field(
        10.0,
        validation_alias="MITHRIL_API_SECONDS",
        gt=0,
        description="how long a page waits for mithril-api",
    )
    client_id: str = Field(
        validation_alias="MITHRIL_AUTH_WEB_CLIENT_ID",
        description="our own client, of type Auth_FE, which sessions are issued to",
    )
    url: str = Field(
        "http://localhost:8085",
        validation_alias="MITHRIL_AUTH_WEB_URL",
        pattern="^https?://[^/?#]+/?$",
        description="where browsers reach us; passkeys work at this address alone",
    )
    cookie_keys: Secrets = Field(
        validation_alias="MITHRIL_COOKIE_KEYS",
        description="seal what browsers keep for us; the first seals, any of them opens",
    )
    cookie_prefix: str = Field(
        "__Host-mithril-auth",
        validation_alias="MITHRIL_AUTH_WEB_COOKIE",
        pattern=r"^__Host-[A-Za-z0-9_-]+$",
        description="first part of our cookies' names: deployments on one host differ in it",
    )
    session_lifetime: int = Field(
        3600,
        validation_alias="MITHRIL_AUTH_WEB_SESSION_SECONDS",
        ge=60,
        le=86_400,
        description="the longest that a browser stays signed in here",
    )
    code_resend_seconds: int = Field(
        30,
        validation_alias="MITHRIL_CODE_RESEND_SECONDS",
        ge=1,
        description="how long to wait before another one-time code may be asked for",
    )
    forwarded_hops: int = Field(
        0,
        validation_alias="MITHRIL_FORWARDED_HOPS",
        ge=0,
        le=10,
        description="trusted proxies in front, each of which adds to X-Forwarded-For",
    )
    signature_sign_in: bool = Field(
        False,
        validation_alias="MITHRIL_SIGNATURE_SIGN_IN",
        description="offer sign-in by digital signature",
    )
    recaptcha_site_key: str = Field(
        "",
        validation_alias="RECAPTCHA_SITE_KEY",
        pattern="^[A-Za-z0-9_-]*$",
        description="of reCAPTCHA v2, the checkbox; none: the forms have no captcha",
    )
    recaptcha_script_url: str = Field(
        VENDORS_SCRIPT,
        validation_alias="RECAPTCHA_SCRIPT_URL",
        # No more than a source of a policy can be made of.
        pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9._~/?&=%-]*$",
        description="the script of the widget",
    )
    default_language: Literal["uk", "en"] = Field(
        "uk", validation_alias="MITHRIL_DEFAULT_LANGUAGE"
    )

    @field_validator("cookie_keys")
    @classmethod
    def _keys_are_long(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not keys or any(len(key.get_secret_value()) < 16 for key in keys):
            raise ValueError("at least one key of 16 characters or more is needed")
        return keys

    @field_validator("client_id")
    @classmethod
    def _id_is_a_uuid(cls, text: str) -> str:
        return str(UUID(text))

    def captcha(self) -> Captcha | None:
        """The captcha of the forms that take a password, if there is one."""
        if not self.recaptcha_site_key:
            return None
        return Captcha(site_key=self.recaptcha_site_key, script=self.recaptcha_script_url)

    def session_ttl(self) -> timedelta:
        """How long a session lives at most."""
        return timedelta(seconds=self.session_lifetime)
