"""What every process counts about itself, for Prometheus. No registry is global."""

from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def registry() -> CollectorRegistry:
    """A registry that already tells of the process itself (memory, CPU, files)."""
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    PlatformCollector(registry=made)
    GCCollector(registry=made)
    return made


class HttpMetrics:
    """Requests by listener, route template, method and status; time taken by route.

    Labels are bounded: a request that no route matches counts under route `unmatched`, and a
    method outside RFC 9110 and RFC 5789 under `other`.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "mithril_http_requests",
            "Requests answered.",
            ["listener", "route", "method", "status"],
            registry=registry,
        )
        self.duration = Histogram(
            "mithril_http_request_duration_seconds",
            "Time from the request's head to its answer.",
            ["listener", "route"],
            buckets=FAST,
            registry=registry,
        )
        # Finding a child by its labels takes ten times as long as counting on it.
        self._count = cache(lambda *labels: self.requests.labels(*labels).inc)
        self._observe = cache(lambda *labels: self.duration.labels(*labels).observe)

    def answered(
        self, listener: str, route: str, method: str, status: int, took: float
    ) -> None:
        """Count a request that was answered; `took` in seconds."""
        self._count(listener, route, method, str(status))()
        self._observe(listener, route)(took)
