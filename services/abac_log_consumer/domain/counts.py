"""Decisions of a period, counted for charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

KINDS = ("day", "rule", "reason", "client")
CLIENTS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many decisions have `key` as their day, rule, reason or client."""

    kind: str
    key: str
    name: str | None  # of a client, where it is known
    permitted: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The counts of a period.

    A decision counts under each of its rules. Of the clients, those with the most are here.
    """

    since: datetime
    until: datetime
    counts: Sequence[Count]

    def rendered(self) -> dict[str, Any]:
        """As JSON."""
        days = self._of("day")
        permitted = sum(day.permitted for day in days)
        refused = sum(day.refused for day in days)
        return {
            "from": self.since,
            "to": self.until,
            "total": permitted + refused,
            "by_day": [{"day": c.key[:10], **_numbers(c)} for c in days],
            "by_result": {"true": permitted, "false": refused},
            "by_rule": [
                {"rule": c.key, "total": c.permitted + c.refused} for c in self._of("rule")
            ],
            "by_reason": [
                {"reason": c.key, "total": c.refused} for c in self._of("reason")
            ],
            "by_client": [
                {"client_id": c.key, "client_name": c.name, **_numbers(c)}
                for c in self._of("client")
            ],
        }

    def _of(self, kind: str) -> list[Count]:
        return [count for count in self.counts if count.kind == kind]


def _numbers(count: Count) -> dict[str, int]:
    return {
        "permitted": count.permitted,
        "refused": count.refused,
        "total": count.permitted + count.refused,
    }
