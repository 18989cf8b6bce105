"""What serves once and came: assertions of clients, and proofs of keys (RFC 7523, RFC 9449)

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLE = "presented_once"


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_presented_once"),
    )
    op.create_index("ix_presented_once_expires_at", _TABLE, ["expires_at"])


def downgrade() -> None:
    op.drop_table(_TABLE)
