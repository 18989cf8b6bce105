"""What devices without a browser ask their users for (RFC 8628)

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLE = "device_authorizations"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    client = sa.ForeignKey(
        "clients.id", ondelete="CASCADE", name="fk_device_authorizations_client_id"
    )
    op.create_table(
        _TABLE,
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("user_code_digest", sa.LargeBinary, nullable=False),
        sa.Column("client_id", UUID, client, nullable=False),
        sa.Column("parameters", JSONB, nullable=False),
        sa.Column("interval_seconds", sa.Integer, nullable=False),
        sa.Column("polled_at", moment, nullable=True),
        sa.Column("denied_at", moment, nullable=True),
        sa.Column("inserted_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_device_authorizations"),
        sa.UniqueConstraint(
            "user_code_digest", name="uq_device_authorizations_user_code_digest"
        ),
    )
    op.create_index("ix_device_authorizations_expires_at", _TABLE, ["expires_at"])
    op.create_index("ix_device_authorizations_client_id", _TABLE, ["client_id"])


def downgrade() -> None:
    op.drop_table(_TABLE)
