"""SQL over rejected: records that could not be understood, raw. They stay, whatever comes later."""

from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from services.abac_log_consumer.domain.records import Delivered

_SOME = """
SELECT topic, partition, "offset", digest, key, value, headers::text, why, source,
  source_sequence, rejected_at
FROM rejected
WHERE (topic, partition, "offset", digest) > ($1, $2, $3, $4)
ORDER BY topic, partition, "offset", digest
LIMIT $5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record as it came, and what was said of it then."""

    delivered: Delivered
    digest: bytes
    why: str
    source: str | None
    source_sequence: int | None
    rejected_at: datetime


async def some(
    driver: asyncpg.Connection, *, after: Rejected | None, most: int
) -> list[Rejected]:
    """At most so many, in the order of their partitions, from one on."""
    place: tuple[object, ...] = ("", -1, -1, b"")
    if after is not None:
        raw = after.delivered
        place = (raw.topic, raw.partition, raw.offset, after.digest)
    return [_rejected(row) for row in await driver.fetch(_SOME, *place, most)]


def _rejected(row: asyncpg.Record) -> Rejected:
    return Rejected(
        delivered=Delivered(
            topic=row["topic"],
            partition=row["partition"],
            offset=row["offset"],
            key=row["key"],
            value=row["value"],
            headers=tuple(
                (name, b64decode(value)) for name, value in orjson.loads(row["headers"])
            ),
        ),
        digest=row["digest"],
        why=row["why"],
        source=row["source"],
        source_sequence=row["source_sequence"],
        rejected_at=row["rejected_at"],
    )
