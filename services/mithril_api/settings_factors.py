"""Settings of second factors; names that the original used are kept (spec §9)."""

from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.mithril_api.domain.passkeys import RelyingParty
from shared.runtime.settings import Names


class FactorSettings(BaseSettings):
    """Mixed into the settings of mithril-api."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    otp_lifetime: int = Field(300, validation_alias="OTP_LIFETIME", ge=1, le=86_400)
    otp_length: int = Field(6, validation_alias="OTP_LENGTH", ge=4, le=10)
    otp_max_attempts: int = Field(3, validation_alias="OTP_MAX_ATTEMPTS", ge=1)
    otp_send_timeout: int = Field(
        1, validation_alias="OTP_SEND_TIMEOUT", ge=1, le=1440, description="minutes"
    )
    otp_send_counter_max: int = Field(3, validation_alias="OTP_SEND_COUNTER_MAX", ge=1)
    user_otp_error_max: int = Field(3, validation_alias="USER_OTP_ERROR_MAX", ge=1)
    otp_lock: int = Field(
        900,
        validation_alias="MITHRIL_OTP_LOCK_SECONDS",
        ge=1,
        le=86_400,
        description="how long the first lock lasts; each one after it, twice as long",
    )
    otp_sms_template: str = Field(
        "Код підтвердження: <otp.code>",
        validation_alias="OTP_SMS_TEMPLATE",
    )
    sms_enabled: bool = Field(True, validation_alias="SMS_ENABLED")
    step_up_seconds: int = Field(600, validation_alias="MITHRIL_STEP_UP_SECONDS", ge=1)
    webauthn_rp_id: str = Field(
        "localhost",
        validation_alias="WEBAUTHN_RP_ID",
        pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        description="the domain that passkeys belong to",
    )
    webauthn_rp_name: str = Field(
        "Mithril", validation_alias="WEBAUTHN_RP_NAME", min_length=1, max_length=64
    )
    webauthn_origins: Names = Field(
        ("http://localhost:8085",), validation_alias="WEBAUTHN_ORIGINS"
    )

    @model_validator(mode="after")
    def _origins_are_of_the_domain(self) -> Self:
        for origin in self.webauthn_origins:
            parts = urlsplit(origin)
            host = parts.hostname or ""
            is_ours = f".{host}".endswith(f".{self.webauthn_rp_id}")
            if not is_ours or origin != f"{parts.scheme}://{parts.netloc}":
                raise ValueError("WEBAUTHN_ORIGINS must be pages of WEBAUTHN_RP_ID")
        return self

    def relying_party(self) -> RelyingParty:
        """Who asks for passkeys, and who is named in authenticator apps."""
        return RelyingParty(
            id=self.webauthn_rp_id,
            name=self.webauthn_rp_name,
            origins=self.webauthn_origins,
        )

    def otp_ttl(self) -> timedelta:
        """How long a code that was sent may be entered."""
        return timedelta(seconds=self.otp_lifetime)

    def otp_send_period(self) -> timedelta:
        """In which period sent codes are counted."""
        return timedelta(minutes=self.otp_send_timeout)

    def otp_lock_lasts(self) -> timedelta:
        """How long the first lock lasts."""
        return timedelta(seconds=self.otp_lock)

    def step_up_window(self) -> timedelta:
        """How long after a sign-in factors may be changed without another one."""
        return timedelta(seconds=self.step_up_seconds)
