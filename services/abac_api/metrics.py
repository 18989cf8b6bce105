"""What abac-api counts beside HTTP and the outbox."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Facts, batches and the pool."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.facts = Counter(
            "mithril_abac_facts",
            "Facts that came, by kind and outcome (`kept`, or `older` than the one held).",
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
            "Records of the facts topic that are not read yet, by partition.",
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
        self.pool_wait = Histogram(
            "mithril_abac_pool_wait_seconds",
            "Time from wanting a database connection to having it.",
            buckets=(0.0001, 0.001, 0.01, 0.1, 1.0, 5.0),
            registry=registry,
        )
