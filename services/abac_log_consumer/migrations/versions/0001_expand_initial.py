"""Everything the audit log needs

Revision: 0001, after .
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A default partition each, so that a record always has a place, and the first months and days.
# The service makes the later ones ahead of their time.
_PARTITIONS = """
DO $$
DECLARE
  month timestamptz := date_trunc('month', now(), 'UTC');
  day timestamptz := date_trunc('day', now(), 'UTC');
  next timestamptz;
  parent text;
BEGIN
  CREATE TABLE decisions_default PARTITION OF decisions DEFAULT;
  CREATE TABLE token_events_default PARTITION OF token_events DEFAULT;
  CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;
  FOR n IN 0..3 LOOP
    next := ((month AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    FOREACH parent IN ARRAY ARRAY['decisions', 'token_events'] LOOP
      EXECUTE format(
        'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
        parent || '_p' || to_char(month AT TIME ZONE 'UTC', 'YYYYMMDD'), parent, month, next);
    END LOOP;
    month := next;
  END LOOP;
  FOR n IN 0..2 LOOP
    EXECUTE format(
      'CREATE TABLE outbox_p%s PARTITION OF outbox FOR VALUES FROM (%L) TO (%L)',
      to_char(day AT TIME ZONE 'UTC', 'YYYYMMDD'), day, day + interval '1 day');
    day := day + interval '1 day';
  END LOOP;
END $$;
"""

# The role that the service takes on. Roles belong to the whole server: it may be there already,
# be made by somebody else this moment, or be one that this login may not make (an operator
# then makes it, grants it to the service's login, and gives it these rights). A service whose
# `MITHRIL_AUDIT_DB_ROLE` is empty does without.
_ROLE = """
DO $$
BEGIN
  BEGIN
    CREATE ROLE mithril_audit NOLOGIN;
  EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
      RAISE WARNING 'role mithril_audit could not be created';
  END;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mithril_audit') THEN
    RETURN;
  END IF;
  GRANT SELECT, INSERT ON decisions, token_events, checkpoints, rejected TO mithril_audit;
  GRANT SELECT, INSERT, UPDATE ON chains, source_sequences, client_names, outbox, outbox_relays
    TO mithril_audit;
  GRANT SELECT ON archives, alembic_version TO mithril_audit;
  BEGIN
    EXECUTE format('GRANT mithril_audit TO %I', current_user);
  EXCEPTION
    WHEN insufficient_privilege OR unique_violation OR invalid_grant_operation THEN
      RAISE WARNING 'role mithril_audit could not be granted to %', current_user;
  END;
END $$;
"""


def upgrade() -> None:
    op.create_table(
        "archives",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("runs", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_archives")),
    )
    op.create_table(
        "chains",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column(
            "next_offset", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "last_digest",
            sa.LargeBinary(),
            server_default=sa.text("''::bytea"),
            nullable=False,
        ),
        sa.Column(
            "chain_sequence", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "head_hash",
            sa.LargeBinary(),
            server_default=sa.text("''::bytea"),
            nullable=False,
        ),
        sa.Column(
            "checkpoint_sequence",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("checkpointed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_chains")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("chain_sequence", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoints")),
    )
    op.create_index(
        "ix_checkpoints_chain",
        "checkpoints",
        ["topic", "partition", "chain_sequence"],
        unique=False,
    )
    op.create_table(
        "client_names",
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("client_type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client_names")),
    )
    op.create_table(
        "decisions",
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("client_type", sa.Text(), nullable=True),
        sa.Column("client_name", sa.Text(), nullable=True),
        sa.Column("mis_client_id", sa.UUID(), nullable=True),
        sa.Column("person_id", sa.UUID(), nullable=True),
        sa.Column("patient_id", sa.UUID(), nullable=True),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.UUID(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("contexts", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("result", sa.Boolean(), nullable=False),
        sa.Column("rules", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_sequence", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("chain_sequence", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint(
            "event_id", "decided_at", name=op.f("uq_decisions_event_id_decided_at")
        ),
        postgresql_partition_by="RANGE (decided_at)",
    )
    op.create_index(
        "ix_decisions_chain",
        "decisions",
        ["topic", "partition", "chain_sequence"],
        unique=False,
    )
    op.create_index(
        "ix_decisions_client_id",
        "decisions",
        ["client_id", "decided_at", "event_id"],
        unique=False,
    )
    op.create_index(
        "ix_decisions_decided_at_event_id",
        "decisions",
        ["decided_at", "event_id"],
        unique=False,
    )
    op.create_index(
        "ix_decisions_mis_client_id",
        "decisions",
        ["mis_client_id", "decided_at", "event_id"],
        unique=False,
        postgresql_where=sa.text("mis_client_id IS NOT NULL"),
    )
    op.create_index(
        "ix_decisions_patient_id",
        "decisions",
        ["patient_id", "decided_at", "event_id"],
        unique=False,
    )
    op.create_index(
        "ix_decisions_request_id", "decisions", ["request_id", "decided_at"], unique=False
    )
    op.create_index(
        "ix_decisions_resource_id",
        "decisions",
        ["resource_id", "decided_at", "event_id"],
        unique=False,
        postgresql_where=sa.text("resource_id IS NOT NULL"),
    )
    op.create_index(
        "ix_decisions_user_id",
        "decisions",
        ["user_id", "decided_at", "event_id"],
        unique=False,
    )
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("aggregatetype", sa.Text(), nullable=False),
        sa.Column("aggregateid", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    op.create_index(
        "ix_outbox_sequence_position", "outbox", ["sequence", "position"], unique=False
    )
    op.create_table(
        "outbox_relays",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("assigned", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "published", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("replay_from", sa.BigInteger(), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_outbox_relays")),
    )
    op.create_table(
        "rejected",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("headers", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("source_sequence", sa.BigInteger(), nullable=True),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint(
            "topic", "partition", "digest", name=op.f("uq_rejected_topic_partition_digest")
        ),
    )
    op.create_index("ix_rejected_rejected_at", "rejected", ["rejected_at"], unique=False)
    op.create_table(
        "source_sequences",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("seen", postgresql.BIT(length=4096), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("source", "bucket", name=op.f("pk_source_sequences")),
    )
    op.create_table(
        "token_events",
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("client_id", sa.UUID(), nullable=True),
        sa.Column("data", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_sequence", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("chain_sequence", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("event_id", "at", name=op.f("uq_token_events_event_id_at")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index(
        "ix_token_events_at_event_id", "token_events", ["at", "event_id"], unique=False
    )
    op.create_index(
        "ix_token_events_chain",
        "token_events",
        ["topic", "partition", "chain_sequence"],
        unique=False,
    )
    op.create_index(
        "ix_token_events_client_id",
        "token_events",
        ["client_id", "at", "event_id"],
        unique=False,
    )
    op.create_index(
        "ix_token_events_user_id",
        "token_events",
        ["user_id", "at", "event_id"],
        unique=False,
    )
    op.execute(_PARTITIONS)
    op.execute(_ROLE)


def downgrade() -> None:
    op.drop_table("token_events")
    op.drop_table("source_sequences")
    op.drop_table("rejected")
    op.drop_table("outbox_relays")
    op.drop_table("outbox")
    op.drop_table("decisions")
    op.drop_table("client_names")
    op.drop_table("checkpoints")
    op.drop_table("chains")
    op.drop_table("archives")
