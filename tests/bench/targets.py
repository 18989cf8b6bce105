"""What the project promises, as data: a line of the table each."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A promise: what is measured, its bound in words, and whether a figure keeps it."""

    name: str
    bound: str
    kept: Callable[[float], bool]


REFRESH = Target(
    name="refresh grants, × pgbench with one transaction a refresh",
    bound="≥ 1.0 (aim 1.5)",
    kept=lambda ratio: ratio >= 1.0,
)
VERIFY = Target(
    name="verify, × pgbench's select-only look-up of a token by hash",
    bound="≥ 0.5",
    kept=lambda ratio: ratio >= 0.5,
)
LONE = Target(
    name="lone refresh p50, × pgbench's latency with one client",
    bound="≤ 3",
    kept=lambda ratio: ratio <= 3.0,
)
RELAY = Target(
    name="outbox lag falls to zero after the load's end, s",
    bound="≤ 2",
    kept=lambda seconds: seconds <= 2.0,
)
PURGE = Target(
    name="purge of 1 000 000 expired tokens, s",
    bound="≤ 1",
    kept=lambda seconds: seconds <= 1.0,
)
PURGE_GROWTH = Target(
    name="purge of 1 000 000, × the time for 10 000",
    bound="≤ 2",
    kept=lambda ratio: ratio <= 2.0,
)
PURGE_FAILURES = Target(
    name="refreshes that failed while purging",
    bound="0",
    kept=lambda count: count == 0,
)
STORM = Target(
    name="refresh grants during a storm of wrong passwords, × without one",
    bound="≥ 0.7",
    kept=lambda ratio: ratio >= 0.7,
)
MEMORY = Target(
    name="resident memory of mithril-api after the load, MB",
    bound="≤ 150",
    kept=lambda megabytes: megabytes <= 150,
)
DECISIONS = Target(
    name="decisions recorded and answered by one abac-api among 1 000 000 facts, 1/s",
    bound="≥ 2500",
    kept=lambda rate: rate >= 2500,
)
DECISIONS_PEER = Target(
    name="decisions recorded and answered, × Cerbos with the same rules and audit log",
    bound="≥ 0.5",
    kept=lambda ratio: ratio >= 0.5,
)
RECORDING = Target(
    name="what recording adds to a lone decision, × the latency of one commit",
    bound="≤ 1",
    kept=lambda ratio: ratio <= 1.0,
)
INGEST = Target(
    name="ingest into the audit log with chain, × a bare COPY of the same rows",
    bound="≥ 0.4",
    kept=lambda ratio: ratio >= 0.4,
)
HISTORY = Target(
    name="a patient's history, first page, p95 ms",
    bound="≤ 20",
    kept=lambda milliseconds: milliseconds <= 20,
)
HISTORY_PARTITIONS = Target(
    name="partitions read beside those of the period, or not by an index",
    bound="0",
    kept=lambda count: count == 0,
)
VERIFICATION = Target(
    name="verification of the audit log, records/s",
    bound="≥ 50000",
    kept=lambda rate: rate >= 50_000,
)
GATE_WARM = Target(
    name="requests checked by one gatekeeper with a warm cache, 1/s",
    bound="≥ 5000",
    kept=lambda rate: rate >= 5000,
)
GATE_COLD = Target(
    name="requests checked by one gatekeeper without cache, × verify of mithril-api",
    bound="≥ 0.8",
    kept=lambda ratio: ratio >= 0.8,
)
GATE_REVOKED = Target(
    name="how long a revoked token passes gatekeeper, p99 ms",
    bound="≤ 1000",
    kept=lambda milliseconds: milliseconds <= 1000,
)
CLIENT_CREDENTIALS = Target(
    name="tokens of clients for themselves, × pgbench with one transaction a token",
    bound="≥ 1.0",
    kept=lambda ratio: ratio >= 1.0,
)
JWT = Target(
    name="tokens of clients for themselves as JWTs (EdDSA), × opaque ones",
    bound="≥ 0.8",
    kept=lambda ratio: ratio >= 0.8,
)
ROTATE = Target(
    name="refreshes that rotate (/oauth2/token), × those that reuse (/oauth/tokens)",
    bound="≥ 0.7",
    kept=lambda ratio: ratio >= 0.7,
)
INTROSPECT = Target(
    name="introspection, × verify in the same run",
    bound="≥ 0.8",
    kept=lambda ratio: ratio >= 0.8,
)
PAGE_WEIGHT = Target(
    name="a sign-in page in all, kB",
    bound="≤ 50",
    kept=lambda kilobytes: kilobytes <= 50,
)
PAGE_FIRST_PAINT = Target(
    name="first contentful paint of a sign-in page, cold, ms",
    bound="≤ 100",
    kept=lambda milliseconds: milliseconds <= 100,
)
PAGE_SHIFT = Target(
    name="layout shift of a sign-in page",
    bound="0",
    kept=lambda shift: shift == 0,
)
IMPORT = Target(
    name="import from the original, × a bare COPY of its tokens",
    bound="≥ 0.15",
    kept=lambda ratio: ratio >= 0.15,
)
IMPORT_AGAIN = Target(
    name="import again with nothing new, × the first time",
    bound="≤ 2",
    kept=lambda ratio: ratio <= 2,
)
