"""Settings of abac-log-consumer."""

from datetime import timedelta
from functools import cached_property

from pydantic import Field, SecretStr, field_validator

from services.abac_log_consumer.domain.signing import SigningKey, public_key
from shared.runtime.settings import KafkaSettings, Names, ProcessSettings


class Settings(KafkaSettings, ProcessSettings):
    """From the environment; frozen."""

    port: int = Field(8083, validation_alias="MITHRIL_PORT", ge=0, le=65535)
    internal_port: int = Field(
        8183, validation_alias="MITHRIL_INTERNAL_PORT", ge=0, le=65535
    )
    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    database_role: str = Field(
        "mithril_audit",
        validation_alias="MITHRIL_AUDIT_DB_ROLE",
        pattern="^[a-z0-9_]*$",
        description="taken on after connecting; may not change or delete records; empty: none",
    )
    db_pool_size: int = Field(10, validation_alias="DB_POOL_SIZE", ge=1, le=200)

    signing_key: SecretStr = Field(
        validation_alias="MITHRIL_AUDIT_SIGNING_KEY",
        description="Ed25519 private key: 32 bytes in hexadecimal",
    )
    trusted_keys: Names = Field(
        (),
        validation_alias="MITHRIL_AUDIT_TRUSTED_KEYS",
        description="former public keys in hexadecimal, for checkpoints signed by them",
    )
    outbox_retention_days: int = Field(
        1, validation_alias="MITHRIL_OUTBOX_RETENTION_DAYS", ge=1
    )
    consumer_group: str = Field(
        "abac-log-consumer", validation_alias="MITHRIL_AUDIT_CONSUMER_GROUP", min_length=1
    )
    batch_most: int = Field(5000, validation_alias="MITHRIL_AUDIT_BATCH_MOST", ge=1)
    checkpoint_records: int = Field(
        10_000, validation_alias="MITHRIL_AUDIT_CHECKPOINT_RECORDS", ge=1
    )
    checkpoint_seconds: float = Field(
        60, validation_alias="MITHRIL_AUDIT_CHECKPOINT_SECONDS", gt=0
    )
    recheck_seconds: float = Field(
        10,
        validation_alias="MITHRIL_AUDIT_RECHECK_SECONDS",
        gt=0,
        description="how often to see that an idle topic is still the one that was read",
    )
    session_timeout_ms: int = Field(
        10_000, validation_alias="MITHRIL_AUDIT_SESSION_TIMEOUT_MS", ge=1000
    )

    mithril_api_url: str = Field(
        "http://127.0.0.1:8180",
        validation_alias="MITHRIL_API_URL",
        pattern="^https?://",
        description="internal listener of mithril-api, which verifies auditors' tokens",
    )
    exports_most: int = Field(
        2,
        validation_alias="MITHRIL_AUDIT_EXPORTS_MOST",
        ge=1,
        le=50,
        description="exports at once, each on a database connection of its own",
    )
    export_stall_seconds: float = Field(
        25,
        validation_alias="MITHRIL_AUDIT_EXPORT_STALL_SECONDS",
        gt=0,
        description="how long an export waits for a client that does not read",
    )

    @field_validator("signing_key")
    @classmethod
    def _key_is_ed25519(cls, key: SecretStr) -> SecretStr:
        SigningKey.of(key.get_secret_value())
        return key

    @field_validator("trusted_keys")
    @classmethod
    def _keys_are_public(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            public_key(key)
        return keys

    @field_validator("database_url")
    @classmethod
    def _url_is_of_postgresql(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith("postgresql://"):
            raise ValueError("must be a postgresql:// URL")
        return url

    @cached_property
    def signer(self) -> SigningKey:
        """The key that signs checkpoints."""
        return SigningKey.of(self.signing_key.get_secret_value())

    def checkpoint_age(self) -> timedelta:
        """How long a record may wait for a checkpoint that covers it."""
        return timedelta(seconds=self.checkpoint_seconds)
