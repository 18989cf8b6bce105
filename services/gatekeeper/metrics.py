"""What gatekeeper counts beside HTTP."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Checks, the cache, revocations and sessions."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.checks = Counter(
            "mithril_gatekeeper_checks",
            "Requests checked for a proxy, by what came of it.",
            ["outcome"],
            registry=registry,
        )
        self.allowed = self.checks.labels("allowed")
        self.lookups = Counter(
            "mithril_gatekeeper_cache_lookups",
            "Look-ups of a token: `hit`, `miss`, or `unused` (Kafka is not heard).",
            ["result"],
            registry=registry,
        )
        self.entries = Gauge(
            "mithril_gatekeeper_cache_entries",
            "Verified tokens kept.",
            registry=registry,
        )
        self.outdated = Counter(
            "mithril_gatekeeper_cache_outdated",
            "Verdicts not kept, since an event about them came while they were asked for.",
            registry=registry,
        )
        self.events = Counter(
            "mithril_gatekeeper_events",
            "Events heard, by what they dropped: `nothing`, `some`, `everything`.",
            ["drop"],
            registry=registry,
        )
        self.current = Gauge(
            "mithril_gatekeeper_revocations_current",
            "Whether all that Kafka holds is heard, so that the cache is used (1) or not (0).",
            registry=registry,
        )
        self.interruptions = Counter(
            "mithril_gatekeeper_revocations_interruptions",
            "Times that hearing of revocations was interrupted.",
            registry=registry,
        )
        self.batch_size = Histogram(
            "mithril_gatekeeper_verify_batch_size",
            "Tokens asked about in one call of mithril-api.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=registry,
        )
        self.sessions = Counter(
            "mithril_gatekeeper_sessions",
            "What happened to sessions: `started`, `refused`, `refreshed`, `kept`, "
            "`ended` (nobody revoked them here), `signed_out`.",
            ["event"],
            registry=registry,
        )
