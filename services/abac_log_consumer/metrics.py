"""What abac-log-consumer counts beside HTTP and the outbox."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Records, rejects, lag, gaps, checkpoints and the pool."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.records = Counter(
            "mithril_audit_records",
            "Records added to the audit log.",
            ["topic"],
            registry=registry,
        )
        self.repeats = Counter(
            "mithril_audit_repeats",
            "Deliveries of what was recorded already.",
            ["topic"],
            registry=registry,
        )
        self.rejects = Counter(
            "mithril_audit_rejects",
            "Records that could not be understood; kept raw, and dead-lettered.",
            ["topic", "why"],
            registry=registry,
        )
        self.lag = Gauge(
            "mithril_audit_lag",
            "Records in Kafka after the last one recorded.",
            ["topic", "partition"],
            registry=registry,
        )
        self.missing = Gauge(
            "mithril_audit_missing",
            "Numbers of a source below its highest that have not arrived.",
            ["source"],
            registry=registry,
        )
        self.checkpointed_at = Gauge(
            "mithril_audit_last_checkpoint_timestamp_seconds",
            "When this process last signed a checkpoint.",
            registry=registry,
        )
        self.unsigned = Gauge(
            "mithril_audit_unsigned_age_seconds",
            "Age of the oldest checkpoint of a chain that has moved on since; 0: none has.",
            registry=registry,
        )
        self.interruptions = Counter(
            "mithril_audit_interruptions",
            "Times that recording stopped for a neighbour that failed.",
            ["neighbour"],
            registry=registry,
        )
        self.resets = Counter(
            "mithril_audit_log_resets",
            "Topic partitions whose log was found to be another than the one read before.",
            ["topic"],
            registry=registry,
        )
        self.batch_size = Histogram(
            "mithril_audit_batch_size",
            "Records taken by one transaction.",
            buckets=(1, 4, 16, 64, 256, 1024, 4096),
            registry=registry,
        )
        self.pool_wait = Histogram(
            "mithril_pool_wait_seconds",
            "Time from wanting a database connection to having it.",
            buckets=(0.0001, 0.001, 0.01, 0.1, 1.0, 5.0),
            registry=registry,
        )
