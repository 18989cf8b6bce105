"""SQL over the outbox's partitions."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.runtime.partitions import Partition


async def holds_unpublished(conn: AsyncConnection, partition: Partition) -> bool:
    """Whether a partition has an event that Kafka has not acknowledged, or must get again.

    Two probes of its index: the orders are what keeps the planner from reading the whole day.
    Without a relay's row nothing was ever published.
    """
    name = partition.name
    query = text(f"""
SELECT EXISTS (SELECT FROM outbox_relays WHERE replay_from IS NOT NULL)
  OR (SELECT position FROM {name} WHERE sequence IS NULL
      ORDER BY sequence, position LIMIT 1) IS NOT NULL
  OR coalesce((SELECT max(sequence) FROM {name}), 0)
     > (SELECT coalesce(min(published), 0) FROM outbox_relays)
""")  # noqa: S608
    return bool((await conn.execute(query)).scalar_one())
