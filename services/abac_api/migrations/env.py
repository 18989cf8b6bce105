"""Alembic's entry: the metadata of database `abac`."""

from shared.models.schema.abac import metadata
from shared.runtime.migrate import run_env

run_env(metadata)
