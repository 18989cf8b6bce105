"""Alembic's entry: the metadata of database `mithril`."""

from shared.models.schema.mithril import metadata
from shared.runtime.migrate import run_env

run_env(metadata)
