"""Settings of admin-web."""

from datetime import timedelta

from pydantic import Field, field_validator

from shared.runtime.settings import Names, ProcessSettings, Secrets

_HTTP = r"^https?://[^\s?#]+$"


class Settings(ProcessSettings):
    """From the environment; frozen."""

    port: int = Field(8086, validation_alias="MITHRIL_PORT", ge=0, le=65535)
    internal_port: int = Field(
        8186, validation_alias="MITHRIL_INTERNAL_PORT", ge=0, le=65535
    )
    cookie_keys: Secrets = Field(
        validation_alias="MITHRIL_COOKIE_KEYS",
        description="seal the session cookie; the first seals, any opens",
    )
    cookie_name: str = Field(
        "__Host-mithril-console",
        validation_alias="MITHRIL_CONSOLE_COOKIE",
        pattern=r"^__Host-[A-Za-z0-9_-]{1,64}$",
    )
    session_seconds: int = Field(
        28_800,
        validation_alias="MITHRIL_CONSOLE_SESSION_SECONDS",
        ge=60,
        description="how long a form may stay open",
    )
    sign_out_url: str = Field(
        "/auth/logout", validation_alias="MITHRIL_CONSOLE_SIGN_OUT_URL", pattern=r"^/[^/\\]"
    )
    mithril_api_url: str = Field(
        "http://127.0.0.1:8180",
        validation_alias="MITHRIL_API_URL",
        pattern=_HTTP,
        description="internal listener of mithril-api",
    )
    scheduler_url: str = Field(
        "http://127.0.0.1:8181",
        validation_alias="MITHRIL_SCHEDULER_URL",
        pattern=_HTTP,
        description="internal listener of mithril-scheduler",
    )
    abac_api_url: str = Field(
        "http://127.0.0.1:8182",
        validation_alias="MITHRIL_ABAC_INTERNAL_URL",
        pattern=_HTTP,
        description="internal listener of abac-api: its outbox",
    )
    audit_url: str = Field(
        "http://127.0.0.1:8083",
        validation_alias="MITHRIL_AUDIT_URL",
        pattern=_HTTP,
        description="public listener of abac-log-consumer: the auditors' API",
    )
    audit_internal_url: str = Field(
        "http://127.0.0.1:8183",
        validation_alias="MITHRIL_AUDIT_INTERNAL_URL",
        pattern=_HTTP,
        description="internal listener of abac-log-consumer: its outbox and lag",
    )
    audit_public_keys: Names = Field(
        (),
        validation_alias="MITHRIL_AUDIT_PUBLIC_KEYS",
        description="Ed25519 public keys in hexadecimal, to check checkpoints by",
    )
    peer_seconds: float = Field(
        5.0, validation_alias="MITHRIL_CONSOLE_PEER_SECONDS", gt=0, le=60
    )
    job_seconds: float = Field(
        60.0,
        validation_alias="MITHRIL_CONSOLE_JOB_SECONDS",
        gt=0,
        le=600,
        description="how long a page waits for a job that was started from it",
    )

    @field_validator("audit_public_keys")
    @classmethod
    def _keys_are_public(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            if len(bytes.fromhex(key)) != 32:
                raise ValueError("must be 32 bytes in hexadecimal")
        return keys

    def session_lifetime(self) -> timedelta:
        """How long a browser's session lives."""
        return timedelta(seconds=self.session_seconds)
