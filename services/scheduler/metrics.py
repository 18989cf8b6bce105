"""What mithril-scheduler counts beside HTTP."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Runs of jobs, and what jobs found that an operator must know."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.runs = Counter(
            "mithril_job_runs",
            "Runs of jobs by outcome; `elsewhere` and `done` are runs of another replica.",
            ["job_name", "outcome"],
            registry=registry,
        )
        self.duration = Histogram(
            "mithril_job_duration_seconds",
            "Time that a run took.",
            ["job_name"],
            buckets=(0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0),
            registry=registry,
        )
        self.last_success = Gauge(
            "mithril_job_last_success_timestamp_seconds",
            "When this process last ended a run well; take the maximum over replicas.",
            ["job_name"],
            registry=registry,
        )
        self.affected = Counter(
            "mithril_job_affected",
            "What jobs worked on: tokens, codes, partitions or runs.",
            ["job_name"],
            registry=registry,
        )
        self.outbox_kept = Gauge(
            "mithril_outbox_partitions_kept",
            "Outbox partitions past their retention that hold unpublished events.",
            registry=registry,
        )
        self.secrets_expiring = Gauge(
            "mithril_connection_secrets_expiring",
            "Client secrets that end soon and have none after them; set by the last run here.",
            registry=registry,
        )
        self.rows_repaired = Counter(
            "mithril_partition_rows_repaired",
            "Rows that waited in a default partition for a partition of their own.",
            ["table"],
            registry=registry,
        )
