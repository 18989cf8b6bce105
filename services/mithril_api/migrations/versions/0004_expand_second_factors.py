"""Factors beyond SMS: sealed authenticator secrets, passkeys, locks that end by themselves

Revision: 0004, after 0003.
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")


def _moment(name: str, *, default: bool = False) -> sa.Column[datetime]:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        server_default=_NOW if default else None,
        nullable=not default,
    )


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_user_id")
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    factors = "authentication_factors"
    op.add_column(factors, sa.Column("name", sa.Text(), nullable=True))
    op.add_column(factors, sa.Column("secret_sealed", sa.LargeBinary(), nullable=True))
    op.add_column(factors, _moment("secret_sealed_at"))
    op.add_column(factors, sa.Column("last_step", sa.BigInteger(), nullable=True))
    op.add_column(factors, _moment("last_used_at"))
    op.create_table(
        "passkeys",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column(
            "is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("credential_id", sa.LargeBinary(), nullable=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column(
            "sign_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "transports",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
        ),
        _moment("last_used_at"),
        _moment("inserted_at", default=True),
        _moment("updated_at", default=True),
        _of_user("passkeys"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index("ix_passkeys_user_id", "passkeys", ["user_id"])
    op.create_table(
        "factor_locks",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("errors", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("locks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _moment("locked_until"),
        _of_user("factor_locks"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_factor_locks")),
    )
    op.add_column("one_time_codes", sa.Column("user_id", sa.UUID(), nullable=True))
    op.create_foreign_key(
        op.f("fk_one_time_codes_user_id"),
        "one_time_codes",
        "users",
        ["user_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(
        "ix_one_time_codes_user_id_inserted_at",
        "one_time_codes",
        ["user_id", "inserted_at"],
    )


def downgrade() -> None:
    op.drop_index("ix_one_time_codes_user_id_inserted_at", "one_time_codes")
    op.drop_constraint(
        op.f("fk_one_time_codes_user_id"), "one_time_codes", type_="foreignkey"
    )
    op.drop_column("one_time_codes", "user_id")
    op.drop_table("factor_locks")
    op.drop_table("passkeys")
    for column in (
        "last_used_at",
        "last_step",
        "secret_sealed_at",
        "secret_sealed",
        "name",
    ):
        op.drop_column("authentication_factors", column)
