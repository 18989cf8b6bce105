"""Alembic's entry: the metadata of database `audit`."""

from shared.models.schema.audit import metadata
from shared.runtime.migrate import run_env

run_env(metadata)
