"""Signing keys, and logout tokens that are owed to clients

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    now = sa.func.now()
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text, nullable=False),
        sa.Column("alg", sa.Text, nullable=False),
        sa.Column("public_jwk", JSONB, nullable=False),
        sa.Column("sealed_private", sa.LargeBinary),
        sa.Column("inserted_at", moment, nullable=False, server_default=now),
        sa.Column("activates_at", moment, nullable=False),
        sa.Column("retires_at", moment),
        sa.Column("expires_at", moment),
        sa.Column(
            "is_compromised", sa.Boolean, nullable=False, server_default=sa.text("false")
        ),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_table(
        "owed_logouts",
        sa.Column("id", UUID, nullable=False),
        sa.Column("client_id", UUID, nullable=False),
        sa.Column("user_id", UUID, nullable=False),
        sa.Column("sid", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("inserted_at", moment, nullable=False, server_default=now),
        sa.Column("next_attempt_at", moment, nullable=False, server_default=now),
        sa.PrimaryKeyConstraint("id", name="pk_owed_logouts"),
    )
    op.create_index("ix_owed_logouts_next_attempt_at", "owed_logouts", ["next_attempt_at"])


def downgrade() -> None:
    op.drop_table("owed_logouts")
    op.drop_table("signing_keys")
