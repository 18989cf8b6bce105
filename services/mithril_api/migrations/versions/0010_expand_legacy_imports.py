"""Which rows moved in from the original, and which imports there were

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOVED = (
    "users",
    "client_types",
    "clients",
    "connections",
    "connection_secrets",
    "apps",
    "roles",
    "user_roles",
    "global_user_roles",
    "authentication_factors",
    "tokens",
)


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    for table in _MOVED:
        op.add_column(table, sa.Column("moved_in_at", moment, nullable=True))
    op.create_table(
        "legacy_imports",
        sa.Column("id", UUID, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("started_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("finished_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_legacy_imports"),
    )


def downgrade() -> None:
    op.drop_table("legacy_imports")
    for table in _MOVED:
        op.drop_column(table, "moved_in_at")
