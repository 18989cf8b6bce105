"""The system user, and the client types and roles that every installation begins with

Revision: 0002, after 0001.
"""

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SEEDS = Path(__file__).parents[1] / "seeds"
SYSTEM_USER_ID = "4261eacf-8008-4e62-899f-de1e2f7065f0"  # other systems name it by this id

_users = sa.table(
    "users",
    sa.column("id", sa.UUID(as_uuid=False)),
    sa.column("email", sa.Text()),
    sa.column("password_hash", sa.Text()),
)


def _scoped(name: str) -> sa.TableClause:
    return sa.table(
        name,
        sa.column("id", sa.UUID(as_uuid=False)),
        sa.column("name", sa.Text()),
        sa.column("scope", postgresql.ARRAY(sa.Text())),
    )


def upgrade() -> None:
    # The hash is no hash: no password matches it.
    _add(
        _users,
        {"id": SYSTEM_USER_ID, "email": "system@mithril.invalid", "password_hash": "!"},
    )
    for name in ("client_types", "roles"):
        table = _scoped(name)
        for row in json.loads((SEEDS / f"{name}.json").read_text("utf-8")):
            _add(table, row)


def downgrade() -> None:
    """Nothing: what was sown is in use by now, and sowing again changes nothing."""


def _add(table: sa.TableClause, row: dict[str, object]) -> None:
    # A row that is there already, by id or by name, is the operator's and stays as it is.
    op.execute(postgresql.insert(table).values(row).on_conflict_do_nothing())
