"""What the dashboards show: each panel is a question, the query that answers it, and why one asks.

`$service` is what is chosen at the top of a dashboard; `None` as a legend: the series has no name.
"""

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
    return f"sum by ({by}) (rate({metric}{{{where}}}[$__rate_interval]))"


def slowest(metric: str, by: str, *, share: float = 0.99, where: str = "") -> str:
    """What this share of a histogram's observations stays below, by labels."""
    buckets = f"rate({metric}_bucket{{{where}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({by}, le) ({buckets}))"
