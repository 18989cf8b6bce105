"""Migrations of `audit`: both ways, and the tables are what the code says they are."""

from pathlib import Path

from alembic import command

import services.abac_log_consumer
from shared.runtime import migrate

_PACKAGE = Path(services.abac_log_consumer.__file__).parent


def test_down_and_up_again_end_at_the_tables_of_the_code(audit_database: str) -> None:
    config = migrate.config_of(_PACKAGE, audit_database)
    command.check(config)
    command.downgrade(config, "base")
    command.upgrade(config, "head")
    command.check(config)
