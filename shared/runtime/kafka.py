"""Kafka clients as all services configure them."""

from aiokafka import AIOKafkaProducer
from aiokafka.helpers import create_ssl_context
from pydantic import BaseModel, ConfigDict, SecretStr


class KafkaAccess(BaseModel):
    """How to reach the brokers. SASL and TLS are as the cluster demands."""

    model_config = ConfigDict(frozen=True)

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: str | None = None

    def options(self) -> dict[str, object]:
        """Keyword arguments that producers and consumers of aiokafka share."""
        made: dict[str, object] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        if "SSL" in self.security_protocol:
            made["ssl_context"] = create_ssl_context(cafile=self.ssl_cafile)
        if self.security_protocol.startswith("SASL"):
            password = self.sasl_password
            made["sasl_mechanism"] = self.sasl_mechanism
            made["sasl_plain_username"] = self.sasl_username
            made["sasl_plain_password"] = password and password.get_secret_value()
        return made


def idempotent_producer(access: KafkaAccess, *, client_id: str) -> AIOKafkaProducer:
    """A producer that waits for every replica in sync and never writes one send twice."""
    return AIOKafkaProducer(
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        max_batch_size=512 * 1024,
        request_timeout_ms=10_000,
        retry_backoff_ms=50,
        **access.options(),
    )
