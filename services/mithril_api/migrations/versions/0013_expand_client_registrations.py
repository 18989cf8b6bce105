"""Clients that registered themselves, and who may do so (RFC 7591, RFC 7592)

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "registration_tokens",
        sa.Column("id", UUID, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("uses_left", sa.Integer, nullable=False),
        sa.Column("inserted_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registration_tokens"),
        sa.UniqueConstraint("digest", name="uq_registration_tokens_digest"),
    )
    client = sa.ForeignKey(
        "clients.id", ondelete="CASCADE", name="fk_client_registrations_client_id"
    )
    op.create_table(
        "client_registrations",
        sa.Column("client_id", UUID, client, nullable=False),
        sa.Column("token_digest", sa.LargeBinary, nullable=False),
        sa.Column("inserted_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", moment, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("client_id", name="pk_client_registrations"),
    )


def downgrade() -> None:
    op.drop_table("client_registrations")
    op.drop_table("registration_tokens")
