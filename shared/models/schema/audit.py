"""The tables of database `audit`. Its owner is abac-log-consumer.

Records (`decisions`, `token_events`, `checkpoints`, `rejected`) are only ever added; the role
`mithril_audit` can neither change nor delete them. What is counted along the way (`chains`,
`source_sequences`, `client_names`) moves with them, in the same transaction (decision D12).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSON, UUID

from shared.models.schema.audit_queries import define_audit_queries
from shared.models.schema.outbox import define_outbox

BUCKET = 4096  # source sequences in a row of `source_sequences`

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


# JSON columns are `json`, which keeps its text: the chain vouches for that.


def _provenance() -> tuple[Column[object], ...]:
    """Where a record came from and its place in its chain: the same in every record."""
    columns: tuple[Column[object], ...] = (
        Column("source", Text, nullable=False),
        Column("source_sequence", BigInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("chain_sequence", BigInteger, nullable=False),
        Column("previous_hash", LargeBinary, nullable=False),
        Column("hash", LargeBinary, nullable=False),
    )
    return columns


decisions = Table(
    "decisions",
    metadata,
    Column("event_id", UUID, nullable=False),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("decision_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("client_id", UUID, nullable=False),
    Column("client_type", Text),
    Column("client_name", Text),  # as it was known when the record was made
    Column("mis_client_id", UUID),
    Column("person_id", UUID),
    Column("patient_id", UUID),
    Column("resource_type", Text, nullable=False),
    Column("resource_id", UUID),
    Column("action", Text, nullable=False),
    Column("contexts", JSON, nullable=False),
    Column("result", Boolean, nullable=False),
    Column("rules", ARRAY(Text), nullable=False),
    Column("reason", Text),
    Column("policy_version", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("trace_id", Text),
    *_provenance(),
    UniqueConstraint("event_id", "decided_at"),
    # What auditors ask for, newest first.
    Index("ix_decisions_decided_at_event_id", "decided_at", "event_id"),
    Index("ix_decisions_patient_id", "patient_id", "decided_at", "event_id"),
    Index("ix_decisions_user_id", "user_id", "decided_at", "event_id"),
    Index("ix_decisions_client_id", "client_id", "decided_at", "event_id"),
    Index(
        "ix_decisions_mis_client_id",
        "mis_client_id",
        "decided_at",
        "event_id",
        postgresql_where=text("mis_client_id IS NOT NULL"),
    ),
    Index(
        "ix_decisions_resource_id",
        "resource_id",
        "decided_at",
        "event_id",
        postgresql_where=text("resource_id IS NOT NULL"),
    ),
    Index("ix_decisions_request_id", "request_id", "decided_at"),
    Index("ix_decisions_chain", "topic", "partition", "chain_sequence"),
    postgresql_partition_by="RANGE (decided_at)",
)

token_events = Table(
    "token_events",
    metadata,
    Column("event_id", UUID, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("user_id", UUID),
    Column("client_id", UUID),
    Column("data", JSON, nullable=False),
    Column("trace_id", Text),
    *_provenance(),
    UniqueConstraint("event_id", "at"),
    Index("ix_token_events_at_event_id", "at", "event_id"),
    Index("ix_token_events_user_id", "user_id", "at", "event_id"),
    Index("ix_token_events_client_id", "client_id", "at", "event_id"),
    Index("ix_token_events_chain", "topic", "partition", "chain_sequence"),
    postgresql_partition_by="RANGE (at)",
)

client_names = Table(
    "client_names",
    metadata,
    Column("client_id", UUID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("client_type", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),  # of the event that told it
)

chains = Table(
    "chains",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False, server_default=text("0")),
    # Of the record before `next_offset`: tells a log that was replaced by another.
    Column("last_digest", LargeBinary, nullable=False, server_default=text("''::bytea")),
    Column("chain_sequence", BigInteger, nullable=False, server_default=text("0")),
    Column("head_hash", LargeBinary, nullable=False, server_default=text("''::bytea")),
    Column("checkpoint_sequence", BigInteger, nullable=False, server_default=text("0")),
    Column("checkpointed_at", DateTime(timezone=True)),
    Column(
        "updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()
    ),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("chain_sequence", BigInteger, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Index("ix_checkpoints_chain", "topic", "partition", "chain_sequence"),
)

# Which numbers of a source were seen: bit n of bucket b stands for b × 4096 + n + 1.
source_sequences = Table(
    "source_sequences",
    metadata,
    Column("source", Text, primary_key=True),
    Column("bucket", BigInteger, primary_key=True),
    Column("seen", BIT(BUCKET), nullable=False),
    Column(
        "updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()
    ),
)

# Records that could not be understood, exactly as they came.
rejected = Table(
    "rejected",
    metadata,
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of what follows
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", JSON, nullable=False),  # [[name, value in base64], …]
    Column("why", Text, nullable=False),
    Column("source", Text),
    Column("source_sequence", BigInteger),
    Column("rejected_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("topic", "partition", "digest"),
    Index("ix_rejected_rejected_at", "rejected_at"),
)

# Months that left for files; each run is a stretch of a chain that is found there.
archives = Table(
    "archives",
    metadata,
    Column("name", Text, primary_key=True),  # of the former partition
    Column("records", BigInteger, nullable=False),
    Column("file_sha256", LargeBinary, nullable=False),
    # [{topic, partition, first, last, previous_hash, last_hash}, …]
    Column("runs", JSON, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),  # over all of the above
    Column("archived_at", DateTime(timezone=True), nullable=False),
)

outbox, outbox_relays = define_outbox(metadata)
audit_queries, audit_query_ends = define_audit_queries(metadata)
