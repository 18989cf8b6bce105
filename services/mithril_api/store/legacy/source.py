"""Reading a database of the original: one snapshot of it, by SQL that PostgreSQL 9.6 knows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from shared.runtime.postgres import DatabaseUnavailableError, is_away

# What must be there (spec §4), and what of it is known to have no place here.
_NEEDED = {
    "users": "id email password settings priv_settings is_blocked block_reason "
    "password_set_at tax_id person_id inserted_at updated_at",
    "tokens": "id name value expires_at details user_id inserted_at updated_at",
    "client_types": "id name scope inserted_at updated_at",
    "clients": "id name settings priv_settings user_id client_type_id is_blocked "
    "block_reason inserted_at updated_at",
    "connections": "id secret redirect_uri client_id consumer_id inserted_at updated_at",
    "apps": "id scope user_id client_id inserted_at updated_at",
    "roles": "id name scope inserted_at updated_at",
    "user_roles": "id user_id role_id client_id inserted_at updated_at",
    "global_user_roles": "id user_id role_id inserted_at updated_at",
    "authentication_factors": "id type factor is_active user_id inserted_at updated_at",
    "password_hstr": "id user_id password inserted_at",
    "clients_block_reason_hstr": "id legal_entity_id is_blocked block_reason inserted_at",
}
TABLES = {table: frozenset(columns.split()) for table, columns in _NEEDED.items()}
_EXPECTED_STRANGERS = frozenset({"schema_migrations", "otp"})
_EXPECTED_COLUMNS = frozenset({("clients", "secret"), ("clients", "redirect_uri")})

_COLUMNS = """
SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c
JOIN information_schema.tables t
  ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
"""
_ASIDE = {
    "expired tokens": "SELECT count(*) FROM tokens WHERE expires_at <= $1 "
    "OR expires_at IS NULL",
    "one-time codes": "SELECT count(*) FROM otp",
    "former passwords of users who are gone": "SELECT count(*) FROM password_hstr h "
    "WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = h.user_id)",
    "secrets of clients from before connections": "SELECT count(*) FROM clients "
    "WHERE secret IS NOT NULL",
}
_SHARED_TAX_IDS = """
SELECT count(*) AS count, min(id::text) AS id FROM users WHERE tax_id <> ''
GROUP BY tax_id HAVING count(*) > 1
"""
_WEEKS = """
SELECT min(expires_at) FROM tokens WHERE expires_at > $1 AND expires_at <= $2
GROUP BY (expires_at - 345600) / 604800
"""


class NotTheOriginalError(Exception):
    """The database lacks what every database of the original has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """What a source has that there is no rule for."""

    tables: list[str]
    columns: list[str]


class Source:
    """One snapshot of a database of the original."""

    def __init__(self, conn: asyncpg.Connection, name: str) -> None:
        self._conn = conn
        self.name = name

    async def strangers(self) -> Strangers:
        """What has no place here.

        Raises:
            NotTheOriginalError: something that has a place is missing.
        """
        found: dict[str, set[str]] = {}
        for table, column in await self._conn.fetch(_COLUMNS):
            found.setdefault(table, set()).add(column)
        missing = [
            f"{table}.{column}"
            for table, columns in TABLES.items()
            for column in sorted(columns - found.get(table, set()))
        ]
        if missing:
            raise NotTheOriginalError("it has no " + ", ".join(missing))
        return Strangers(
            tables=sorted(set(found) - set(TABLES) - _EXPECTED_STRANGERS),
            columns=sorted(
                f"{table}.{column}"
                for table, columns in TABLES.items()
                for column in found[table] - columns
                if (table, column) not in _EXPECTED_COLUMNS
            ),
        )

    async def aside(self, *, now: int) -> dict[str, int]:
        """How much there is that is not moved, by what it is."""
        counts = {}
        for what, query in _ASIDE.items():
            if await self._has(query):
                arguments = [now] if "$1" in query else []
                counts[what] = int(await self._conn.fetchval(query, *arguments))
        return {what: count for what, count in counts.items() if count}

    async def _has(self, query: str) -> bool:
        """Whether the tables and columns that may be missing are there."""
        if "FROM otp" in query:
            return bool(await self._conn.fetchval("SELECT to_regclass('otp') IS NOT NULL"))
        if "FROM clients" in query:
            rows = await self._conn.fetch(_COLUMNS)
            return ("clients", "secret") in {(row[0], row[1]) for row in rows}
        return True

    async def shared_tax_ids(self) -> list[Any]:
        """For each tax id of several users: how many, and the id of one."""
        return list(await self._conn.fetch(_SHARED_TAX_IDS))

    async def weeks(self, *, now: int, until: int) -> list[int]:
        """A second of each week in which live tokens expire."""
        return [row[0] for row in await self._conn.fetch(_WEEKS, now, until)]

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        query = f"SELECT count(*) FROM {table}"  # noqa: S608 — a name of ours
        return int(await self._conn.fetchval(query))

    async def count_live_tokens(self, *, now: int) -> int:
        """How many tokens there are to move."""
        query = "SELECT count(*) FROM tokens WHERE expires_at > $1"
        return int(await self._conn.fetchval(query, now))

    async def has_users(self) -> bool:
        """Whether anything is there at all."""
        return bool(await self._conn.fetchval("SELECT EXISTS (SELECT 1 FROM users)"))

    async def read(
        self, query: str, *arguments: object, batch: int
    ) -> AsyncIterator[list[Any]]:
        """The rows of a query, some at a time: never more of them in memory."""
        cursor = await self._conn.cursor(query, *arguments)
        while rows := await cursor.fetch(batch):
            yield rows


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Source]:
    """A snapshot that stays the same until the end, whatever is written meanwhile."""
    try:
        conn = await asyncpg.connect(
            url,
            timeout=10,
            server_settings={
                "application_name": "mithril import-legacy",
                "default_transaction_read_only": "on",
                "statement_timeout": "0",
                "idle_in_transaction_session_timeout": "0",
                # Whole tables are read in order: the fastest way to the last row, not the first.
                "cursor_tuple_fraction": "1.0",
            },
        )
    except (asyncpg.PostgresError, OSError, ValueError) as error:
        raise DatabaseUnavailableError(_first_line(error)) from None
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            yield Source(conn, _name_of(url))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        if is_away(error):
            raise DatabaseUnavailableError(_first_line(error)) from error
        raise
    finally:
        conn.terminate()


def _name_of(url: str) -> str:
    """What a source is called: where it is, without who asks."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
