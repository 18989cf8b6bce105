"""Job runs remember the scheduled moment they were for

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job_runs", sa.Column("tick", sa.DateTime(timezone=True), nullable=True))
    op.create_unique_constraint(op.f("uq_job_runs_job_tick"), "job_runs", ["job", "tick"])


def downgrade() -> None:
    op.drop_constraint(op.f("uq_job_runs_job_tick"), "job_runs", type_="unique")
    op.drop_column("job_runs", "tick")
