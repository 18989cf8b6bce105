"""What the doctor found: a line each, a table, or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. Only a failure makes the exit status 1."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    subject: str  # a service, a database, a topic, a certificate
    check: str
    level: Level
    told: str


def is_well(findings: Sequence[Finding]) -> bool:
    """Whether nothing failed."""
    return all(item.level is not Level.FAILURE for item in findings)


def as_json(findings: Sequence[Finding]) -> str:
    """For programs."""
    return json.dumps(
        {"well": is_well(findings), "findings": [asdict(item) for item in findings]},
        ensure_ascii=False,
        indent=2,
    )


def as_table(findings: Sequence[Finding]) -> str:
    """For people: worst last, where a terminal leaves the eye."""
    order = list(Level)
    rows = sorted(findings, key=lambda item: order.index(item.level))
    cells = [(it.level.value, it.subject, it.check, it.told) for it in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    return "\n".join("  ".join((*map(str.ljust, row, widths), row[3])) for row in cells)
