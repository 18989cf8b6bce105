"""Everything abac-api needs

Revision: 0001, after .
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A default partition, so that a row always has a place, and the first days. Later ones are
# made ahead of their time.
_PARTITIONS = """
DO $$
DECLARE
  day timestamptz := date_trunc('day', now(), 'UTC');
BEGIN
  CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;
  FOR n IN 0..2 LOOP
    EXECUTE format(
      'CREATE TABLE outbox_p%s PARTITION OF outbox FOR VALUES FROM (%L) TO (%L)',
      to_char(day AT TIME ZONE 'UTC', 'YYYYMMDD'), day, day + interval '1 day');
    day := day + interval '1 day';
  END LOOP;
END $$;
"""


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("patient_id", sa.UUID(), nullable=True),
        sa.Column("granted_to_employee_id", sa.UUID(), nullable=True),
        sa.Column("granted_to_legal_entity_id", sa.UUID(), nullable=True),
        sa.Column("resources", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("access_level", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "withdrawn_at IS NOT NULL OR (patient_id IS NOT NULL AND resources IS NOT NULL AND access_level IS NOT NULL AND status IS NOT NULL)",
            name=op.f("ck_approvals_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(
        "ix_approvals_patient_id_granted_to_employee_id",
        "approvals",
        ["patient_id", "granted_to_employee_id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_index(
        "ix_approvals_patient_id_granted_to_legal_entity_id",
        "approvals",
        ["patient_id", "granted_to_legal_entity_id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "declarations",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("patient_id", sa.UUID(), nullable=True),
        sa.Column("employee_id", sa.UUID(), nullable=True),
        sa.Column("legal_entity_id", sa.UUID(), nullable=True),
        sa.Column("active_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "withdrawn_at IS NOT NULL OR (patient_id IS NOT NULL AND employee_id IS NOT NULL AND legal_entity_id IS NOT NULL AND active_from IS NOT NULL)",
            name=op.f("ck_declarations_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declarations")),
    )
    op.create_index(
        "ix_declarations_patient_id_legal_entity_id",
        "declarations",
        ["patient_id", "legal_entity_id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "employees",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("legal_entity_id", sa.UUID(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=True),
        sa.Column("fact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "withdrawn_at IS NOT NULL OR (user_id IS NOT NULL AND legal_entity_id IS NOT NULL AND is_active IS NOT NULL)",
            name=op.f("ck_employees_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employees")),
    )
    op.create_index(
        "ix_employees_user_id_legal_entity_id",
        "employees",
        ["user_id", "legal_entity_id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "justifications",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("patient_id", sa.UUID(), nullable=True),
        sa.Column("active_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "withdrawn_at IS NOT NULL OR (user_id IS NOT NULL AND patient_id IS NOT NULL AND active_from IS NOT NULL)",
            name=op.f("ck_justifications_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_justifications")),
    )
    op.create_index(
        "ix_justifications_user_id_patient_id",
        "justifications",
        ["user_id", "patient_id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "merged_persons",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("master_person_id", sa.UUID(), nullable=True),
        sa.Column("merged_person_id", sa.UUID(), nullable=True),
        sa.Column("fact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "withdrawn_at IS NOT NULL OR (master_person_id IS NOT NULL AND merged_person_id IS NOT NULL)",
            name=op.f("ck_merged_persons_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_persons")),
    )
    op.create_index(
        "ix_merged_persons_master_person_id",
        "merged_persons",
        ["master_person_id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_index(
        "ix_merged_persons_merged_person_id",
        "merged_persons",
        ["merged_person_id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
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
        "resources",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.UUID(), nullable=True),
        sa.Column("episode_id", sa.UUID(), nullable=True),
        sa.Column("managing_organization_id", sa.UUID(), nullable=True),
        sa.Column("requester_legal_entity_id", sa.UUID(), nullable=True),
        sa.Column("origin_episode_id", sa.UUID(), nullable=True),
        sa.Column("encounter_id", sa.UUID(), nullable=True),
        sa.Column("diagnostic_report_id", sa.UUID(), nullable=True),
        sa.Column("care_plan_id", sa.UUID(), nullable=True),
        sa.Column("composition_id", sa.UUID(), nullable=True),
        sa.Column("fact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "withdrawn_at IS NOT NULL OR (type IS NOT NULL AND patient_id IS NOT NULL)",
            name=op.f("ck_resources_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources")),
    )
    op.execute(_PARTITIONS)


def downgrade() -> None:
    op.drop_table("resources")
    op.drop_table("outbox_relays")
    op.drop_index("ix_outbox_sequence_position", table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(
        "ix_merged_persons_merged_person_id",
        table_name="merged_persons",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_index(
        "ix_merged_persons_master_person_id",
        table_name="merged_persons",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_table("merged_persons")
    op.drop_index(
        "ix_justifications_user_id_patient_id",
        table_name="justifications",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_table("justifications")
    op.drop_index(
        "ix_employees_user_id_legal_entity_id",
        table_name="employees",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_table("employees")
    op.drop_index(
        "ix_declarations_patient_id_legal_entity_id",
        table_name="declarations",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_table("declarations")
    op.drop_index(
        "ix_approvals_patient_id_granted_to_legal_entity_id",
        table_name="approvals",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_index(
        "ix_approvals_patient_id_granted_to_employee_id",
        table_name="approvals",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_table("approvals")
