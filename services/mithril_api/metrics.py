"""What mithril-api counts beside HTTP and the outbox."""

from collections.abc import Iterable
from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.mithril_api.domain.oauth2.signing_keys import SigningKey


class Metrics:
    """Grants, logins, limits, mails, verifications, batches and the pool."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.grants = Counter(
            "mithril_grants",
            "Token requests by grant type and outcome (`issued`, or the reason of a refusal).",
            ["grant_type", "outcome"],
            registry=registry,
        )
        self.verifications = Counter(
            "mithril_verifications",
            "Verified tokens by outcome.",
            ["outcome"],
            registry=registry,
        )
        self.introspections = Counter(
            "mithril_introspections",
            "Introspected tokens by what was told: `active` or `inactive`.",
            ["outcome"],
            registry=registry,
        )
        self.batch_size = Histogram(
            "mithril_batch_size",
            "Requests answered by one statement.",
            ["operation"],
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=registry,
        )
        self.pool_wait = Histogram(
            "mithril_pool_wait_seconds",
            "Time from wanting a database connection to having it.",
            buckets=(0.0001, 0.001, 0.01, 0.1, 1.0, 5.0),
            registry=registry,
        )
        self.limited = Counter(
            "mithril_limited",
            "Requests turned away by a limit, by what they were for and of whom it is.",
            ["purpose", "holder"],
            registry=registry,
        )
        self.mails = Counter(
            "mithril_mails",
            "Owed mails by what became of them: `sent`, `failed` (tried again), `dropped`.",
            ["kind", "outcome"],
            registry=registry,
        )
        self.breach_list_unavailable = Counter(
            "mithril_breach_list_unavailable",
            "Passwords set without asking the breach list, since it did not answer.",
            registry=registry,
        )
        self.passwords_waiting = Gauge(
            "mithril_passwords_waiting",
            "Passwords that wait to be hashed or compared.",
            registry=registry,
        )
        self.messages = Counter(
            "mithril_messages",
            "SMS by what became of them: `sent`, `failed`, `skipped` (SMS_ENABLED=false).",
            ["outcome"],
            registry=registry,
        )
        self.second_factors = Counter(
            "mithril_second_factors",
            "Answers to a second factor by kind and outcome (`accepted`, or the reason).",
            ["kind", "outcome"],
            registry=registry,
        )
        self.logouts = Counter(
            "mithril_backchannel_logouts",
            "Owed logout tokens by what came of them: `sent`, `failed` (tried again), "
            "`dropped`.",
            ["outcome"],
            registry=registry,
        )
        self.signing_key_due = Gauge(
            "mithril_signing_key_due_timestamp_seconds",
            "When the newest signing key of an algorithm should have a successor.",
            ["alg"],
            registry=registry,
        )

    def tell_due(self, keys: Iterable[SigningKey], *, lifetime: timedelta) -> None:
        """Say of each algorithm until when its keys suffice; the latest one decides."""
        for key in sorted(keys, key=lambda key: key.activates_at):
            if key.retires_at is None:
                due = key.due(lifetime).timestamp()
                self.signing_key_due.labels(key.alg).set(due)
