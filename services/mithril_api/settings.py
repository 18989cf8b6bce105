"""Settings of mithril-api. Names that the original used are kept (spec §9, D13)."""

from datetime import timedelta
from functools import cached_property
from typing import Literal
from uuid import UUID

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.mithril_api.domain.keys import LOGIN_JWT, Keyring
from services.mithril_api.domain.refresh import Lifetimes
from services.mithril_api.settings_factors import FactorSettings
from services.mithril_api.settings_limits import LimitSettings
from services.mithril_api.settings_registration import RegistrationSettings
from shared.peers.settings import OutsideSettings
from shared.runtime.ingress import IngressSettings
from shared.runtime.settings import (
    KafkaSettings,
    Names,
    ProcessSettings,
    ReadOnlySettings,
    Secrets,
)


class Settings(
    FactorSettings,
    IngressSettings,
    LimitSettings,
    OutsideSettings,
    KafkaSettings,
    ReadOnlySettings,
    RegistrationSettings,
    ProcessSettings,
):
    """From the environment; frozen."""

    port: int = Field(8080, validation_alias="MITHRIL_PORT", ge=0, le=65535)
    internal_port: int = Field(
        8180, validation_alias="MITHRIL_INTERNAL_PORT", ge=0, le=65535
    )
    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    db_pool_size: int = Field(10, validation_alias="DB_POOL_SIZE", ge=1, le=200)
    secret_keys: Secrets = Field(validation_alias="MITHRIL_SECRET_KEYS")

    access_token_lifetime: int = Field(
        3600, validation_alias="AUTH_ACCESS_TOKEN_LIFETIME", ge=1
    )
    refresh_token_lifetime: int = Field(
        1_209_600, validation_alias="AUTH_REFRESH_TOKEN_LIFETIME", ge=1
    )
    refresh_idle_lifetime: int | None = Field(
        None,
        validation_alias="MITHRIL_REFRESH_IDLE_LIFETIME",
        ge=60,
        description="seconds that a refresh token which rotates waits to be used; "
        "none: AUTH_REFRESH_TOKEN_LIFETIME",
    )
    refresh_absolute_lifetime: int | None = Field(
        7_776_000,
        validation_alias="MITHRIL_REFRESH_ABSOLUTE_LIFETIME",
        ge=60,
        description="seconds after which a family of refresh tokens ends, though it is used; "
        "empty: never",
    )
    code_grant_lifetime: int = Field(120, validation_alias="AUTH_CODE_GRANT_LIFETIME", ge=1)
    password_expiration_days: int = Field(
        90, validation_alias="PASSWORD_EXPIRATION_DAYS", ge=1
    )
    max_failed_logins: int = Field(10, validation_alias="MAX_FAILED_LOGINS", ge=1)
    max_failed_logins_period: int = Field(
        10, validation_alias="MAX_FAILED_LOGINS_PERIOD", ge=1, description="minutes"
    )
    trusted_client_ids: Names = Field((), validation_alias="TRUSTED_CLIENT_IDS")
    user_2fa_enabled: bool = Field(True, validation_alias="USER_2FA_ENABLED")
    issuer: str | None = Field(
        None,
        validation_alias="MITHRIL_ISSUER",
        pattern=r"^https?://[^\s?#]+$",
        description="our identifier in `iss` (RFC 9207); none: the address that was called",
    )
    api_page: Literal["on", "off"] = Field(
        "on",
        validation_alias="MITHRIL_API_PAGE",
        description="whether `/docs` is there: a page to try every operation",
    )
    dpop_nonce: Literal["required", "optional"] = Field(
        "required",
        validation_alias="MITHRIL_DPOP_NONCE",
        description="whether a DPoP proof needs a nonce of ours where tokens are issued",
    )
    mtls_url: str | None = Field(
        None,
        validation_alias="MITHRIL_MTLS_URL",
        pattern=r"^https?://[^\s?#]+[^\s?#/]$",
        description="our address where an ingress asks for certificates, if it is another",
    )
    secret_overlap: int = Field(
        604_800,
        validation_alias="MITHRIL_SECRET_OVERLAP",
        ge=0,
        description="seconds for which a former client secret works after refresh_secret",
    )
    secret_lifetime_days: int | None = Field(
        None,
        validation_alias="MITHRIL_SECRET_LIFETIME_DAYS",
        ge=1,
        description="after which a client secret ends unless its request says when; "
        "none: never",
    )
    password_workers: int = Field(1, validation_alias="MITHRIL_PASSWORD_WORKERS", ge=1)
    password_memory_kib: int = Field(
        65_536,
        validation_alias="MITHRIL_PASSWORD_MEMORY_KIB",
        ge=8,
        description="argon2id m",
    )
    password_passes: int = Field(
        3, validation_alias="MITHRIL_PASSWORD_PASSES", ge=1, description="argon2id t"
    )
    password_queue: int = Field(
        100,
        validation_alias="MITHRIL_PASSWORD_QUEUE",
        ge=1,
        description="passwords that may wait to be checked; more are told to come again",
    )
    sign_in_queue: int = Field(
        2000,
        validation_alias="MITHRIL_SIGN_IN_QUEUE",
        ge=1,
        description="sign-ins that may wait for the database; more are told to come again",
    )
    auth_web_url: str = Field(
        "http://localhost:8085",
        validation_alias="MITHRIL_AUTH_WEB_URL",
        pattern=r"^https?://[^\s?#]+$",
        description="where auth-web is for browsers: links in mails lead there",
    )
    recovery_lifetime: int = Field(
        1500,
        validation_alias="MITHRIL_RECOVERY_LIFETIME",
        ge=1,
        description="seconds for which a link to set a new password works",
    )
    jwt_secret: SecretStr | None = Field(
        None,
        validation_alias="JWT_SECRET",
        min_length=32,
        description="signs nonces; none: a key derived from MITHRIL_SECRET_KEYS",
    )
    jwt_login_ttl: int = Field(
        15, validation_alias="JWT_LOGIN_TTL", ge=1, le=1440, description="minutes"
    )
    jwt_resources: Names = Field(
        (),
        validation_alias="MITHRIL_JWT_RESOURCES",
        description="resources whose access tokens are JWTs, whichever client has them",
    )
    backchannel_logout_timeout: int = Field(
        5000,
        validation_alias="MITHRIL_BACKCHANNEL_LOGOUT_TIMEOUT",
        ge=1,
        le=60_000,
        description="milliseconds that a client has to take a logout token",
    )
    signing_key_lifetime: int = Field(
        30,
        validation_alias="MITHRIL_SIGNING_KEY_LIFETIME_DAYS",
        ge=2,
        description="days for which a key signs tokens before its successor does",
    )
    batch_lanes: int = Field(2, validation_alias="MITHRIL_BATCH_LANES", ge=1)
    batch_most: int = Field(64, validation_alias="MITHRIL_BATCH_MOST", ge=1)

    @field_validator("refresh_absolute_lifetime", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("refresh_idle_lifetime")
    @classmethod
    def _idle_is_no_longer(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value > info.data.get("refresh_token_lifetime", value):
            raise ValueError("must not be longer than AUTH_REFRESH_TOKEN_LIFETIME")
        return value

    @field_validator("secret_keys")
    @classmethod
    def _keys_are_long(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        Keyring.of([key.get_secret_value() for key in keys])
        return keys

    @field_validator("database_url")
    @classmethod
    def _url_is_of_postgresql(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith("postgresql://"):
            raise ValueError("must be a postgresql:// URL")
        return url

    @field_validator("trusted_client_ids")
    @classmethod
    def _ids_are_uuids(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(UUID(name)) for name in names)

    @cached_property
    def keyring(self) -> Keyring:
        """The keys for client secrets, one-time codes and successors."""
        return Keyring.of([key.get_secret_value() for key in self.secret_keys])

    def login_jwt_keys(self) -> list[bytes]:
        """The keys of the JWTs that hold nonces, the present one first."""
        if self.jwt_secret is not None:
            return [self.jwt_secret.get_secret_value().encode()]
        return self.keyring.signing_keys(LOGIN_JWT)

    def access_token_ttl(self) -> timedelta:
        """How long an access token lives; also a second-factor and change-password token."""
        return timedelta(seconds=self.access_token_lifetime)

    def refresh_token_ttl(self) -> timedelta:
        """How long a refresh token lives."""
        return timedelta(seconds=self.refresh_token_lifetime)

    def family_lifetimes(self) -> Lifetimes:
        """How long refresh tokens that rotate go on."""
        absolute = self.refresh_absolute_lifetime
        return Lifetimes(
            idle=timedelta(
                seconds=self.refresh_idle_lifetime or self.refresh_token_lifetime
            ),
            absolute=None if absolute is None else timedelta(seconds=absolute),
        )

    def secret_lifetime(self) -> timedelta | None:
        """How long a client secret works whose request does not say; none: for good."""
        days = self.secret_lifetime_days
        return None if days is None else timedelta(days=days)

    def code_ttl(self) -> timedelta:
        """How long an authorization code lives."""
        return timedelta(seconds=self.code_grant_lifetime)

    def signing_key_ttl(self) -> timedelta:
        """How long a key signs."""
        return timedelta(days=self.signing_key_lifetime)
