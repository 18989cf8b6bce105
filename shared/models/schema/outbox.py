"""The outbox: the same two tables in the database of every service that publishes (D7)."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, UUID


def define_outbox(metadata: MetaData) -> tuple[Table, Table]:
    """Add `outbox` and `outbox_relays` to a service's metadata.

    Column names are those that Debezium's outbox event router expects, so an operator may
    swap the relay. `sequence` is given by the relay when it first sees a committed row, so
    it has no gaps. A partition is a day of `occurred_at`: retention drops whole days.
    """
    outbox = Table(
        "outbox",
        metadata,
        Column("position", BigInteger, Identity(always=True), nullable=False),
        Column("id", UUID, nullable=False),
        Column("aggregatetype", Text, nullable=False),  # the topic
        Column("aggregateid", Text, nullable=False),  # the record key
        Column("type", Text, nullable=False),
        Column("payload", JSON, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        Column("traceparent", Text),
        Column("sequence", BigInteger),
        # One index answers both questions of the relay: what has no number yet, in order
        # of position; and what was numbered after the last acknowledged one.
        Index("ix_outbox_sequence_position", "sequence", "position"),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    relays = Table(
        "outbox_relays",
        metadata,
        Column("source", Text, primary_key=True),
        Column("assigned", BigInteger, nullable=False, server_default=text("0")),
        Column("published", BigInteger, nullable=False, server_default=text("0")),
        # Set to have events from this number on sent again, to a broker that lost them.
        Column("replay_from", BigInteger),
        Column(
            "updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()
        ),
    )
    return outbox, relays
