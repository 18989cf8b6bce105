"""What abac-api counts beside HTTP and the outbox."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.abac_api.domain.verdicts import Decision
from shared.runtime.metrics import FAST


class Metrics:
    """Facts, batches and the pool."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.facts = Counter(
            "mithril_abac_facts",
            "Facts that came, by kind and outcome: `kept`, `older` than the one held, `refused`.",
            ["kind", "outcome"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "mithril_abac_dead_letters",
            "Records of the facts topic that went to the dead-letter topic, by reason.",
            ["reason"],
            registry=registry,
        )
        self.consumer_failures = Counter(
            "mithril_abac_facts_failures",
            "Attempts of the facts consumer that failed and are made again.",
            registry=registry,
        )
        self.facts_lag = Gauge(
            "mithril_abac_facts_lag",
            "Records of the facts topic that are not kept yet, by partition of this replica.",
            ["partition"],
            registry=registry,
        )
        self.batch_size = Histogram(
            "mithril_abac_batch_size",
            "Questions answered by one statement.",
            ["operation"],
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=registry,
        )
        self.decisions = Counter(
            "mithril_abac_decisions",
            "Decisions by result, the first rule that permitted and the reason of a refusal.",
            ["result", "rule", "reason"],
            registry=registry,
        )
        self.unrecorded = Counter(
            "mithril_abac_refusals_unrecorded",
            "Questions refused with 503, since the database was away.",
            registry=registry,
        )
        self.batch_duration = Histogram(
            "mithril_abac_batch_duration_seconds",
            "Time from the facts of a batch to the commit of its decisions.",
            buckets=FAST,
            registry=registry,
        )
        self.pool_wait = Histogram(
            "mithril_abac_pool_wait_seconds",
            "Time from wanting a database connection to having it.",
            buckets=(0.0001, 0.001, 0.01, 0.1, 1.0, 5.0),
            registry=registry,
        )

    def count(self, decision: Decision) -> None:
        """Count a decision that is recorded."""
        result = "permit" if decision.result else "deny"
        rule = decision.rules[0] if decision.rules else ""
        self.decisions.labels(result, rule, decision.reason or "").inc()
