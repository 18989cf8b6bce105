"""The services of the set: which there are, and what each is told of the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.up.children import Service
from services.up.state import Secrets
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.embedded_postgres import EmbeddedPostgres

DATABASES = ("mithril", "abac", "audit")
MITHRIL_API = Service(name="mithril-api", number=0, database="mithril")
SCHEDULER = Service(name="mithril-scheduler", number=1, database="mithril")
ABAC_API = Service(name="abac-api", number=2, database="abac")
AUDIT_LOG = Service(name="abac-log-consumer", number=3, database="audit")
GATEKEEPER = Service(name="gatekeeper", number=4)
AUTH_WEB = Service(name="auth-web", number=5)
ADMIN_WEB = Service(name="admin-web", number=6)
EMULATORS = Service(name="emulators", number=7)

# What the demo data is made by; then what must be told of the demo data.
FIRST = (MITHRIL_API, SCHEDULER, ABAC_API, AUDIT_LOG, EMULATORS)
SECOND = (GATEKEEPER, AUTH_WEB, ADMIN_WEB)
OWNERS = (MITHRIL_API, ABAC_API, AUDIT_LOG)  # who owns a database migrates it
_SMTP = 207  # the emulated mail server's port, from the base


def addresses(base: int) -> dict[str, dict[str, str]]:
    """Where each service is reached; the emulators are none of them."""
    return {it.name: it.addresses(base) for it in (*FIRST, *SECOND) if it is not EMULATORS}


def emulators(base: int) -> dict[str, str]:
    """Where the emulated outside systems are reached."""
    return {
        "public": EMULATORS.addresses(base)["public"],
        "internal": EMULATORS.addresses(base)["internal"],
        "smtp": f"127.0.0.1:{base + _SMTP}",
    }


def ports(base: int) -> list[int]:
    """Every port that must be free."""
    pairs = [port for it in (*FIRST, *SECOND) for port in it.ports(base)]
    return [*pairs, base + _SMTP]


def auth_web_url(base: int) -> str:
    """Where people sign in: a name, since passkeys are bound to one (WebAuthn §5.1.3)."""
    return f"http://localhost:{AUTH_WEB.ports(base)[0]}"


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """What the services are told about the servers they use, and about one another."""

    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka
    secrets: Secrets
    base: int
    client_ids: Mapping[str, str]  # of the demo clients, by name
    client_secrets: dict[str, str] = field(default_factory=dict, repr=False)

    def database_urls(self) -> dict[str, str]:
        """The address of each database."""
        return {name: self.postgres.url(name) for name in DATABASES}

    def environment(self, service: Service) -> dict[str, str]:
        """The environment of a service and of its commands."""
        public, internal = service.ports(self.base)
        own = {
            MITHRIL_API.name: self._of_mithril_api,
            AUDIT_LOG.name: self._of_the_audit_log,
            GATEKEEPER.name: self._of_gatekeeper,
            AUTH_WEB.name: self._of_auth_web,
            ADMIN_WEB.name: self._of_admin_web,
            EMULATORS.name: self._of_the_emulators,
        }
        common = {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "MITHRIL_SERVICE_TOKENS": self.secrets.service_token,
            "MITHRIL_LOG_FORMAT": "json",
            "MITHRIL_PORT": str(public),
            "MITHRIL_INTERNAL_PORT": str(internal),
            **self._addresses,
        }
        if service.database is not None:
            common["DATABASE_URL"] = self.postgres.url(service.database)
        return common | own.get(service.name, dict)()

    @cached_property
    def _addresses(self) -> dict[str, str]:
        at = addresses(self.base)
        return {
            "MITHRIL_API_URL": at["mithril-api"]["internal"],
            "MITHRIL_API_PUBLIC_URL": at["mithril-api"]["public"],
            "MITHRIL_SCHEDULER_URL": at["mithril-scheduler"]["internal"],
            "MITHRIL_ABAC_API_URL": at["abac-api"]["public"],
            "MITHRIL_ABAC_INTERNAL_URL": at["abac-api"]["internal"],
            "MITHRIL_AUDIT_URL": at["abac-log-consumer"]["public"],
            "MITHRIL_AUDIT_INTERNAL_URL": at["abac-log-consumer"]["internal"],
            "MITHRIL_AUTH_WEB_URL": auth_web_url(self.base),
        }

    def _of_mithril_api(self) -> dict[str, str]:
        outside = emulators(self.base)
        return {
            "MITHRIL_SECRET_KEYS": self.secrets.secret_key,
            "TRUSTED_CLIENT_IDS": self.client_ids["console"],
            "WEBAUTHN_ORIGINS": auth_web_url(self.base),
            "OTP_ENDPOINT": outside["public"] + "/sms-gateway",
            "SMTP_URL": "smtp://" + outside["smtp"],
            "SMTP_FROM": "Mithril <no-reply@demo.mithril.test>",
            "DIGITAL_SIGNATURE_ENABLED": "true",
            "DIGITAL_SIGNATURE_ENDPOINT": outside["public"] + "/signatures",
            "MPI_ENDPOINT": outside["public"] + "/mpi",
            "BREACH_LIST_ENDPOINT": outside["public"] + "/breach-list",
        }

    def _of_the_audit_log(self) -> dict[str, str]:
        return {"MITHRIL_AUDIT_SIGNING_KEY": self.secrets.audit_signing_key}

    def _of_gatekeeper(self) -> dict[str, str]:
        return {
            "MITHRIL_GATEKEEPER_UPSTREAM_URL": ADMIN_WEB.addresses(self.base)["public"],
            "MITHRIL_GATEKEEPER_PUBLIC_URL": GATEKEEPER.addresses(self.base)["public"],
            "MITHRIL_GATEKEEPER_CLIENT_ID": self.client_ids["console"],
            "MITHRIL_GATEKEEPER_CLIENT_SECRET": self.client_secrets["console"],
            "MITHRIL_GATEKEEPER_COOKIE_KEYS": self.secrets.cookie_key,
        }

    def _of_auth_web(self) -> dict[str, str]:
        return {
            "MITHRIL_AUTH_WEB_CLIENT_ID": self.client_ids["auth-web"],
            "MITHRIL_SIGNATURE_SIGN_IN": "true",
            "MITHRIL_COOKIE_KEYS": self.secrets.cookie_key,
        }

    def _of_admin_web(self) -> dict[str, str]:
        signing = bytes.fromhex(self.secrets.audit_signing_key)
        public = Ed25519PrivateKey.from_private_bytes(signing).public_key()
        return {
            "MITHRIL_COOKIE_KEYS": self.secrets.cookie_key,
            "MITHRIL_AUDIT_PUBLIC_KEYS": public.public_bytes_raw().hex(),
        }

    def _of_the_emulators(self) -> dict[str, str]:
        return {"MITHRIL_EMULATORS_SMTP_PORT": str(self.base + _SMTP)}
