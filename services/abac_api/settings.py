"""Settings of abac-api."""

from pydantic import Field, SecretStr, field_validator

from shared.runtime.settings import KafkaSettings, ProcessSettings


class Settings(KafkaSettings, ProcessSettings):
    """From the environment; frozen."""

    port: int = Field(8082, validation_alias="MITHRIL_PORT", ge=0, le=65535)
    internal_port: int = Field(
        8182, validation_alias="MITHRIL_INTERNAL_PORT", ge=0, le=65535
    )
    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    db_pool_size: int = Field(10, validation_alias="DB_POOL_SIZE", ge=1, le=200)
    outbox_retention_days: int = Field(
        1, validation_alias="MITHRIL_OUTBOX_RETENTION_DAYS", ge=1
    )
    batch_lanes: int = Field(2, validation_alias="MITHRIL_BATCH_LANES", ge=1)
    batch_most: int = Field(64, validation_alias="MITHRIL_BATCH_MOST", ge=1)
    facts_group: str = Field(
        "abac-api",
        validation_alias="MITHRIL_FACTS_GROUP",
        min_length=1,
        description="consumer group on topic abac.facts; all replicas share it",
    )
    facts_batch: int = Field(
        1000,
        validation_alias="MITHRIL_FACTS_BATCH",
        ge=1,
        le=10_000,
        description="most facts of one transaction",
    )

    @field_validator("database_url")
    @classmethod
    def _url_is_of_postgresql(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith("postgresql://"):
            raise ValueError("must be a postgresql:// URL")
        return url
