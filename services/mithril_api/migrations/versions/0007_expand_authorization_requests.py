"""Authorization requests as they wait for their user (RFC 9126)

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLE = "authorization_requests"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    client = sa.ForeignKey(
        "clients.id", ondelete="CASCADE", name="fk_authorization_requests_client_id"
    )
    op.create_table(
        _TABLE,
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("client_id", UUID, client, nullable=False),
        sa.Column("pushed", sa.Boolean, nullable=False),
        sa.Column("parameters", JSONB, nullable=False),
        sa.Column("inserted_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_authorization_requests"),
    )
    op.create_index("ix_authorization_requests_expires_at", _TABLE, ["expires_at"])
    op.create_index("ix_authorization_requests_client_id", _TABLE, ["client_id"])


def downgrade() -> None:
    op.drop_table(_TABLE)
