"""Settings of mithril-scheduler. Names that the original used are kept (spec §9, D13)."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.scheduler.domain.schedules import trigger_of
from shared.runtime.settings import ProcessSettings, ReadOnlySettings


def _cron(expression: str) -> str:
    trigger_of(expression)
    return expression


Cron = Annotated[str, AfterValidator(_cron)]


class Settings(ReadOnlySettings, ProcessSettings):
    """From the environment; frozen."""

    port: int = Field(8081, validation_alias="MITHRIL_PORT", ge=0, le=65535)
    internal_port: int = Field(
        8181, validation_alias="MITHRIL_INTERNAL_PORT", ge=0, le=65535
    )
    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    db_pool_size: int = Field(8, validation_alias="DB_POOL_SIZE", ge=1, le=200)

    mithril_api_url: str = Field(
        "http://127.0.0.1:8180",
        validation_alias="MITHRIL_API_URL",
        pattern="^https?://",
        description="internal listener of mithril-api, which verifies operators' tokens",
    )

    token_expiration_schedule: Cron = Field(
        "* 0-4 * * *", validation_alias="TOKEN_EXPIRATION_SCHEDULE"
    )
    token_deleting_schedule: Cron = Field(
        "* 1-4 * * *", validation_alias="TOKEN_DELETING_SCHEDULE"
    )
    otp_expiration_schedule: Cron = Field(
        "*/5 * * * *", validation_alias="OTP_EXPIRATION_SCHEDULE"
    )
    sign_in_trimming_schedule: Cron = Field(
        "*/10 * * * *", validation_alias="MITHRIL_SIGN_IN_TRIMMING_SCHEDULE"
    )
    partitions_schedule: Cron = Field(
        "7 * * * *", validation_alias="MITHRIL_PARTITIONS_SCHEDULE"
    )
    outbox_trimming_schedule: Cron = Field(
        "17 * * * *", validation_alias="MITHRIL_OUTBOX_TRIMMING_SCHEDULE"
    )
    key_rotation_schedule: Cron = Field(
        "37 * * * *", validation_alias="KEY_ROTATION_SCHEDULE"
    )
    job_runs_trimming_schedule: Cron = Field(
        "27 5 * * *", validation_alias="MITHRIL_JOB_RUNS_TRIMMING_SCHEDULE"
    )

    secret_expiry_schedule: Cron = Field(
        "47 * * * *", validation_alias="MITHRIL_SECRET_EXPIRY_SCHEDULE"
    )

    token_ttl_after_expiration_days: int = Field(
        30, validation_alias="TOKEN_TTL_AFTER_EXPIRATION_DAYS", ge=1
    )
    password_expiration_days: int = Field(
        90, validation_alias="PASSWORD_EXPIRATION_DAYS", ge=1
    )
    outbox_retention_days: int = Field(
        1, validation_alias="MITHRIL_OUTBOX_RETENTION_DAYS", ge=1
    )
    secret_expiry_notice_days: int = Field(
        14,
        validation_alias="MITHRIL_SECRET_EXPIRY_NOTICE_DAYS",
        ge=1,
        description="before its end that a client secret is told of",
    )
    job_runs_retention_days: int = Field(
        90, validation_alias="MITHRIL_JOB_RUNS_RETENTION_DAYS", ge=1
    )

    access_token_lifetime: int = Field(
        3600, validation_alias="AUTH_ACCESS_TOKEN_LIFETIME", ge=1, description="seconds"
    )
    refresh_token_lifetime: int = Field(
        1_209_600,
        validation_alias="AUTH_REFRESH_TOKEN_LIFETIME",
        ge=1,
        description="seconds",
    )

    job_batch_size: int = Field(
        500, validation_alias="MITHRIL_JOB_BATCH_SIZE", ge=1, le=10_000
    )
    misfire_grace: int = Field(
        300,
        validation_alias="MITHRIL_MISFIRE_GRACE",
        ge=1,
        description="seconds by which a scheduled run may be late",
    )

    def longest_token_life(self) -> timedelta:
        """How far ahead of its making a token of ours may expire."""
        seconds = max(self.access_token_lifetime, self.refresh_token_lifetime)
        return timedelta(seconds=seconds)

    def tokens_kept_for(self) -> timedelta:
        """How long an expired token stays."""
        return timedelta(days=self.token_ttl_after_expiration_days)

    def passwords_last_for(self) -> timedelta:
        """How long a password may be used."""
        return timedelta(days=self.password_expiration_days)

    def outbox_kept_for(self) -> timedelta:
        """How long a published event stays, to refill a broker that lost its data."""
        return timedelta(days=self.outbox_retention_days)

    def job_runs_kept_for(self) -> timedelta:
        """How long the history of jobs stays."""
        return timedelta(days=self.job_runs_retention_days)

    def secrets_told_ahead(self) -> timedelta:
        """How long before its end a client secret is told of."""
        return timedelta(days=self.secret_expiry_notice_days)

    def misfires_within(self) -> timedelta:
        """How late a scheduled run may be."""
        return timedelta(seconds=self.misfire_grace)
