"""What a dashboard is made of: each panel is a question, and the query that answers it."""

from dataclasses import dataclass

RATE = "ops"  # units as Grafana names them
SECONDS, COUNT, SHARE, BYTES = "s", "short", "percentunit", "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A graph. `empty`: why it may rightly show nothing while all is well."""

    title: str
    unit: str
    description: str
    query: str
    legend: str
    empty: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard."""

    uid: str
    title: str
    description: str
    panels: tuple[Panel, ...]


def rate_of(metric: str, by: str, *, where: str = "") -> str:
    """Events a second of a counter, by labels."""
    chosen = f"{{{where}}}" if where else ""
    return f"sum by ({by}) (rate({metric}{chosen}[$__rate_interval]))"


def slowest(metric: str, by: str, *, share: float = 0.99, where: str = "") -> str:
    """What this share of a histogram's observations stays below, by labels."""
    chosen = f"{{{where}}}" if where else ""
    buckets = f"rate({metric}_bucket{chosen}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({by}, le) ({buckets}))"
