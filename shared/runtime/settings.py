"""Settings that every process has, and one line a mistake when they are wrong (D15)."""

import os
import sys
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.runtime.kafka import KafkaAccess

Made = TypeVar("Made", bound=BaseSettings)


def _items(value: object) -> object:
    """`a, b` as a list; what is a list already stays one."""
    if isinstance(value, str):
        return [item for item in (part.strip() for part in value.split(",")) if item]
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_items)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_items)]


class ProcessSettings(BaseSettings):
    """From the environment, or from files of a mounted directory; frozen once made."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    host: str = Field("127.0.0.1", validation_alias="MITHRIL_HOST")
    port: int = Field(validation_alias="MITHRIL_PORT", ge=0, le=65535)
    internal_host: str = Field("127.0.0.1", validation_alias="MITHRIL_INTERNAL_HOST")
    internal_port: int = Field(validation_alias="MITHRIL_INTERNAL_PORT", ge=0, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias="LOG_LEVEL"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", validation_alias="MITHRIL_LOG_FORMAT"
    )
    internal_auth: Literal["token", "network"] = Field(
        "token", validation_alias="MITHRIL_INTERNAL_AUTH"
    )
    traces_endpoint: str | None = Field(
        None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT", pattern=r"^https?://\S+$|^$"
    )
    service_tokens: Secrets = Field((), validation_alias="MITHRIL_SERVICE_TOKENS")

    @cached_property
    def service_credentials(self) -> tuple[bytes, ...]:
        """The service tokens as they are compared."""
        return tuple(token.get_secret_value().encode() for token in self.service_tokens)

    def own_service_token(self) -> str:
        """The one to show to other services; empty where there is none."""
        return self.service_tokens[0].get_secret_value() if self.service_tokens else ""

    def human_logs(self) -> bool | None:
        """Whether logs are for people; none: where standard output is a terminal."""
        return {"auto": None, "json": False, "console": True}[self.log_format]


class ReadOnlySettings(BaseSettings):
    """Whether to change nothing: mixed into the settings of a process that can be told so."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    read_only: bool = Field(
        False,
        validation_alias="MITHRIL_READ_ONLY",
        description="answer what only reads, refuse every change, run nothing in the background",
    )


class KafkaSettings(BaseSettings):
    """How to reach Kafka: mixed into the settings of a process that does."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    kafka_security_protocol: str = Field(
        "PLAINTEXT", validation_alias="KAFKA_SECURITY_PROTOCOL"
    )
    kafka_sasl_mechanism: str = Field("PLAIN", validation_alias="KAFKA_SASL_MECHANISM")
    kafka_sasl_username: str | None = Field(None, validation_alias="KAFKA_SASL_USERNAME")
    kafka_sasl_password: SecretStr | None = Field(
        None, validation_alias="KAFKA_SASL_PASSWORD"
    )
    kafka_ssl_cafile: str | None = Field(None, validation_alias="KAFKA_SSL_CAFILE")

    def kafka(self) -> KafkaAccess:
        """As the clients take it."""
        return KafkaAccess(
            bootstrap_servers=self.kafka_bootstrap_servers,
            security_protocol=self.kafka_security_protocol,
            sasl_mechanism=self.kafka_sasl_mechanism,
            sasl_username=self.kafka_sasl_username,
            sasl_password=self.kafka_sasl_password,
            ssl_cafile=self.kafka_ssl_cafile,
        )


def inherited() -> dict[str, str]:
    """The environment of this process, for a child of it."""
    return dict(os.environ)


def load_or_exit(make: Callable[[], Made]) -> Made:
    """The settings; or one line a wrong setting on standard error, and exit status 78."""
    try:
        return make()
    except ValidationError as error:
        for item in error.errors():
            name = ".".join(str(part) for part in item["loc"])
            print(f"configuration: {name}: {item['msg']}", file=sys.stderr)  # noqa: T201
        sys.exit(78)  # EX_CONFIG of sysexits.h
