"""The transactional outbox: what an action publishes is committed with what it changed (D7)."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.envelope import Message
from shared.runtime import acting

CHANNEL = "mithril_outbox"
REPLAY = "replay"  # a payload of the channel

INSERT = """
INSERT INTO outbox
  (id, aggregatetype, aggregateid, type, payload, occurred_at, traceparent)
SELECT * FROM unnest(
  $1::uuid[], $2::text[], $3::text[], $4::text[], $5::json[], $6::timestamptz[], $7::text[])
"""

_NOTIFY = f"SELECT pg_notify('{CHANNEL}', '')"


def columns(messages: Sequence[Message]) -> tuple[list[object], ...]:
    """The seven arrays that `INSERT` takes.

    Where a user asked for what is done, the data of each event says who, as `actor_id`.
    """
    payloads: list[object] = [message.event.payload().decode() for message in messages]
    by = acting.current.get()
    if by is not None:
        payloads = [f'{{"actor_id":"{by}",{str(said)[1:]}' for said in payloads]
    return (
        [message.id for message in messages],
        [message.event.topic for message in messages],
        [message.event.key() for message in messages],
        [message.event.type for message in messages],
        payloads,
        [message.at for message in messages],
        [message.traceparent for message in messages],
    )


async def put_many(conn: AsyncConnection, messages: Sequence[Message]) -> None:
    """Add events to the transaction, in order, and wake the relay at its commit."""
    if not messages:
        return
    await conn.exec_driver_sql(INSERT, columns(messages))
    await conn.exec_driver_sql(_NOTIFY)


async def put(conn: AsyncConnection, message: Message) -> None:
    """Add one event to the transaction."""
    await put_many(conn, [message])
