"""What auditors asked of the audit log: tables of database `audit`, only ever added to."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID


def define_audit_queries(metadata: MetaData) -> tuple[Table, Table]:
    """Add `audit_queries` and `audit_query_ends` to the metadata of database `audit`.

    A query is written before its answer leaves. An export is, before its first byte: how
    many records went, and whether all did, is a row of its own, since no record is changed.
    """
    asked = Table(
        "audit_queries",
        metadata,
        Column("id", UUID, primary_key=True),
        Column("asked_at", DateTime(timezone=True), nullable=False),
        Column("user_id", UUID, nullable=False),
        Column("client_id", UUID, nullable=False),
        Column("token_id", UUID, nullable=False),
        Column("operation", Text, nullable=False),
        Column("filters", JSONB, nullable=False),
        Column("rows", BigInteger),  # none: an export, whose end tells
        Column("request_id", Text, nullable=False),
        Index("ix_audit_queries_asked_at_id", "asked_at", "id"),
        Index("ix_audit_queries_user_id", "user_id", "asked_at", "id"),
    )
    ends = Table(
        "audit_query_ends",
        metadata,
        Column("query_id", UUID, primary_key=True),
        Column("ended_at", DateTime(timezone=True), nullable=False),
        Column("rows", BigInteger, nullable=False),
        Column("complete", Boolean, nullable=False),
    )
    return asked, ends
