"""Settings of the outside systems, and their clients made from them (names of spec §9)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

import aiohttp
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.peers.breaches import BreachList
from shared.peers.mailer import Mailer, SmtpServer, checked_sender
from shared.peers.outside import Outside
from shared.peers.persons import MasterPatientIndex
from shared.peers.recaptcha import Recaptcha
from shared.peers.signatures import SignatureService
from shared.peers.sms import SmsGateway

_HTTP = r"^https?://[^\s?#]+$"
_GOOGLE = "https://www.google.com/recaptcha/api/siteverify"


class OutsideSettings(BaseSettings):
    """Mixed into the settings of a process that asks outside systems. Each may be absent.

    The timeouts are in milliseconds and cover everything: connecting, both tries, the body.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    otp_endpoint: str | None = Field(None, validation_alias="OTP_ENDPOINT", pattern=_HTTP)
    otp_request_timeout: int = Field(
        10_000, validation_alias="OTP_REQUEST_TIMEOUT", ge=1, le=60_000
    )
    smtp_url: SecretStr | None = Field(None, validation_alias="SMTP_URL")
    smtp_from: str = Field("Mithril <no-reply@localhost>", validation_alias="SMTP_FROM")
    smtp_request_timeout: int = Field(
        10_000, validation_alias="SMTP_REQUEST_TIMEOUT", ge=1, le=60_000
    )
    digital_signature_enabled: bool = Field(
        False, validation_alias="DIGITAL_SIGNATURE_ENABLED"
    )
    digital_signature_endpoint: str | None = Field(
        None, validation_alias="DIGITAL_SIGNATURE_ENDPOINT", pattern=_HTTP
    )
    digital_signature_request_timeout: int = Field(
        10_000, validation_alias="DIGITAL_SIGNATURE_REQUEST_TIMEOUT", ge=1, le=60_000
    )
    mpi_endpoint: str | None = Field(None, validation_alias="MPI_ENDPOINT", pattern=_HTTP)
    mpi_request_timeout: int = Field(
        10_000, validation_alias="MPI_REQUEST_TIMEOUT", ge=1, le=60_000
    )
    recaptcha_verify_url: str = Field(
        _GOOGLE, validation_alias="RECAPTCHA_VERIFY_URL", pattern=_HTTP
    )
    recaptcha_secret: SecretStr | None = Field(None, validation_alias="RECAPTCHA_SECRET")
    recaptcha_min_score: float = Field(
        0.5,
        validation_alias="RECAPTCHA_MIN_SCORE",
        ge=0,
        le=1,
        description="of reCAPTCHA v3; answers without a score are not held to it",
    )
    recaptcha_request_timeout: int = Field(
        5_000, validation_alias="RECAPTCHA_REQUEST_TIMEOUT", ge=1, le=60_000
    )
    breach_list_endpoint: str | None = Field(
        None, validation_alias="BREACH_LIST_ENDPOINT", pattern=_HTTP
    )
    breach_list_request_timeout: int = Field(
        2_000, validation_alias="BREACH_LIST_REQUEST_TIMEOUT", ge=1, le=60_000
    )

    @field_validator(
        "otp_endpoint",
        "smtp_url",
        "digital_signature_endpoint",
        "mpi_endpoint",
        "recaptcha_secret",
        "breach_list_endpoint",
        mode="before",
    )
    @classmethod
    def _empty_is_absent(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server_is_one(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            SmtpServer.of(url.get_secret_value())
        return url

    @field_validator("smtp_from")
    @classmethod
    def _sender_is_an_address(cls, sender: str) -> str:
        return checked_sender(sender)

    @model_validator(mode="after")
    def _who_verifies_signatures_is_known(self) -> Self:
        if self.digital_signature_enabled and self.digital_signature_endpoint is None:
            raise ValueError("DIGITAL_SIGNATURE_ENABLED needs DIGITAL_SIGNATURE_ENDPOINT")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideSystems:
    """The clients; none where the system is not configured."""

    sms: SmsGateway | None
    mailer: Mailer | None
    signatures: SignatureService | None
    persons: MasterPatientIndex | None
    recaptcha: Recaptcha | None
    breaches: BreachList | None


def outside_systems(
    settings: OutsideSettings,
    *,
    session: Callable[[], aiohttp.ClientSession],
    now: Callable[[], datetime],
    unique: Callable[[], UUID],
) -> OutsideSystems:
    """Make the clients; opens nothing yet."""

    def outside(
        name: str, url: str | None, milliseconds: int, *, harmless: bool
    ) -> Outside:
        return Outside(
            name=name,
            url=url or "",
            session=session,
            deadline=milliseconds / 1000,
            harmless=harmless,
        )

    sms = outside(
        "SMS gateway", settings.otp_endpoint, settings.otp_request_timeout, harmless=False
    )
    signatures = outside(
        "signature service",
        settings.digital_signature_endpoint,
        settings.digital_signature_request_timeout,
        harmless=True,
    )
    persons = outside(
        "patient index", settings.mpi_endpoint, settings.mpi_request_timeout, harmless=True
    )
    breaches = outside(
        "breach list",
        settings.breach_list_endpoint,
        settings.breach_list_request_timeout,
        harmless=True,
    )
    signs = settings.digital_signature_enabled and signatures.url
    return OutsideSystems(
        sms=SmsGateway(outside=sms) if sms.url else None,
        mailer=_mailer(settings, now=now, unique=unique),
        signatures=SignatureService(outside=signatures) if signs else None,
        persons=MasterPatientIndex(outside=persons) if persons.url else None,
        recaptcha=_recaptcha(settings, session),
        breaches=BreachList(outside=breaches) if breaches.url else None,
    )


def _mailer(
    settings: OutsideSettings,
    *,
    now: Callable[[], datetime],
    unique: Callable[[], UUID],
) -> Mailer | None:
    if settings.smtp_url is None:
        return None
    return Mailer(
        server=SmtpServer.of(settings.smtp_url.get_secret_value()),
        sender=settings.smtp_from,
        deadline=settings.smtp_request_timeout / 1000,
        now=now,
        unique=unique,
    )


def _recaptcha(
    settings: OutsideSettings, session: Callable[[], aiohttp.ClientSession]
) -> Recaptcha | None:
    if settings.recaptcha_secret is None:
        return None
    return Recaptcha(
        outside=Outside(
            name="reCAPTCHA",
            url=settings.recaptcha_verify_url,
            session=session,
            deadline=settings.recaptcha_request_timeout / 1000,
            harmless=False,
        ),
        secret=settings.recaptcha_secret,
        min_score=settings.recaptcha_min_score,
    )
