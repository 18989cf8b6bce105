"""What auditors ask is recorded

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Only ever added to, as the records are. Without the role: see 0001.
_GRANT = """
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'mithril_audit') THEN
    GRANT SELECT, INSERT ON audit_queries, audit_query_ends TO mithril_audit;
  END IF;
END $$;
"""


def upgrade() -> None:
    op.create_table(
        "audit_queries",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("token_id", sa.UUID(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_queries")),
    )
    op.create_index(
        "ix_audit_queries_asked_at_id", "audit_queries", ["asked_at", "id"], unique=False
    )
    op.create_index(
        "ix_audit_queries_user_id",
        "audit_queries",
        ["user_id", "asked_at", "id"],
        unique=False,
    )
    op.create_table(
        "audit_query_ends",
        sa.Column("query_id", sa.UUID(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("query_id", name=op.f("pk_audit_query_ends")),
    )
    op.execute(_GRANT)


def downgrade() -> None:
    op.drop_table("audit_query_ends")
    op.drop_table("audit_queries")
