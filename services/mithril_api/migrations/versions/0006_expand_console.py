"""When a connection was last used; scopes of the console for its administrators

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The rows that an installation begins with, by id: another of the same name is the operator's.
_ROLE = "141e8f6f-6b4c-572f-8fef-f112cdae0bca"
_CLIENT_TYPE = "72beb9d9-7f9d-5945-aa03-c3d038e6fc75"
_JOBS = ("scheduler:read", "scheduler:run")
_AUDIT = ("abac_log:read", "abac_log:export")  # so that auditors can sign in to the console


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("connections", sa.Column("last_used_at", moment, nullable=True))
    _widen("roles", _ROLE, _JOBS)
    _widen("client_types", _CLIENT_TYPE, (*_JOBS, *_AUDIT))


def downgrade() -> None:
    op.drop_column("connections", "last_used_at")


def _widen(table: str, row_id: str, scopes: tuple[str, ...]) -> None:
    for scope in scopes:
        statement = sa.text(
            f"UPDATE {table} SET scope = scope || CAST(:scope AS text) "  # noqa: S608 — ours
            "WHERE id = CAST(:id AS uuid) AND NOT CAST(:scope AS text) = ANY (scope)"
        )
        op.execute(statement.bindparams(scope=scope, id=row_id))
