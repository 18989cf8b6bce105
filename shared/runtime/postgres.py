"""PostgreSQL for a process: one engine, and one exception for "the database is away"."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
import orjson
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.runtime import tracing

Result = TypeVar("Result")


class DatabaseUnavailableError(Exception):
    """The database cannot be reached, or cut the connection: nothing is known to be done."""


class OldSchemaError(Exception):
    """The database was not migrated to what this release needs. A newer one is fine (P14)."""


# Classes of SQLSTATE that mean the server went away, is starting, or has no room:
# connection exception, no such database, insufficient resources, operator intervention (which
# a statement that ran into its timeout counts as: trying a batch again would only wait more).
# So does a read-only transaction (25006): the server is a standby, or we are told to change
# nothing.
_AWAY = ("08", "3D", "53", "57", "25006")

# What a connection of the driver raises when it is lost, beside the server's own errors.
# `InternalClientError`: the server's farewell arrived between two messages of ours, and the
# connection's state machine no longer fits.
LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Database:
    """An engine whose transactions raise `DatabaseUnavailableError` when the server is away.

    Transactions are begun and ended through the driver itself, which takes half the time
    that the engine's own machinery does; statements may go either way (see `driver_of`).
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        url: str,
        schema: str = "",
        on_wait: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.engine = engine
        self._url = url
        self._schema = schema
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._on_wait = on_wait

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back by an exception."""
        async with self.autocommit() as connection:
            driver = driver_of(connection)
            await driver.execute("BEGIN")
            try:
                yield connection
            except BaseException:
                await _roll_back(driver)
                raise
            if await driver.execute("COMMIT") != "COMMIT":
                raise RuntimeError("a statement failed and its error was not let through")

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement is a transaction of its own."""
        with _translated():
            wanted = time.perf_counter()
            async with self._autocommit.connect() as connection:
                if driver_of(connection).is_closed():  # the server went while it was idle
                    await connection.invalidate()
                    await connection.get_raw_connection()
                self._on_wait(time.perf_counter() - wanted)
                try:
                    yield connection
                except asyncpg.InternalClientError:
                    driver_of(connection).terminate()
                    raise
                finally:
                    if not connection.invalidated and driver_of(connection).is_closed():
                        await connection.invalidate()

    read = autocommit  # where nothing is written, the transaction is nobody's business

    async def ping(self) -> None:
        """Raise `DatabaseUnavailableError` unless the server answers.

        `OldSchemaError` where it does, and the migrations of this release have not run.

        On a connection of its own: a pool that is all in use is load, not absence, and must
        not take every replica out of service at once.
        """
        with _translated():
            conn = await asyncpg.connect(self._url, timeout=2, command_timeout=2)
            try:
                if self._schema:
                    await self._see_schema(conn)
                else:
                    await conn.fetchval("SELECT 1")
            finally:
                await conn.close(timeout=2)

    async def _see_schema(self, conn: asyncpg.Connection) -> None:
        try:
            found = await conn.fetchval("SELECT version_num FROM alembic_version")
        except asyncpg.UndefinedTableError:
            found = None
        if found is None or found < self._schema:
            text = f"the database is at {found or 'no revision'}, this release needs"
            raise OldSchemaError(f"{text} {self._schema}: run its migrations")

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


async def _roll_back(driver: asyncpg.Connection) -> None:
    """End a transaction that failed; a connection that cannot even do that is thrown away."""
    if driver.is_closed():
        return
    try:
        await driver.execute("ROLLBACK")
    except Exception:  # noqa: BLE001 — the first error is the one to tell
        driver.terminate()


def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """The driver's own connection beneath one of the engine's, in the same transaction.

    For the statements of the hot path: they skip what the engine does for every other.
    """
    sync = connection.sync_connection
    if sync is None:
        raise RuntimeError("the connection is not open")
    return sync.connection.driver_connection


class _translated:  # noqa: N801 — reads as a statement at its only uses
    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None and is_away(error):
            text = (str(error) or type(error).__name__).splitlines()[0]
            raise DatabaseUnavailableError(text) from error


def is_away(error: BaseException) -> bool:
    """Whether an exception of the driver means that the server is away."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        if isinstance(error, InterfaceError):
            return True
        state = getattr(error.orig, "sqlstate", None)
        return isinstance(state, str) and state.startswith(_AWAY)
    if isinstance(error, asyncpg.PostgresError):
        state = getattr(error, "sqlstate", None)
        return isinstance(state, str) and state.startswith(_AWAY)
    return isinstance(error, (*LOST, PoolTimeoutError))


def connect(
    url: str,
    *,
    pool_size: int,
    application: str,
    connect_timeout: float = 5.0,
    pool_timeout: float = 5.0,
    statement_timeout_ms: int = 10_000,
    role: str = "",
    schema: str = "",
    read_only: bool = False,
    on_pool_wait: Callable[[float], None] = lambda _: None,
) -> Database:
    """An engine on `url` (`postgresql://…`), which connects when first used.

    `pool_pre_ping` is off, since a ping would cost every request a round trip: a connection
    that the server closed is known by its socket. `on_pool_wait` is told how many seconds
    each transaction waited for a connection. A `role` is taken on right after connecting,
    for a process that is to have fewer rights than its login. `schema` is the revision without
    which `ping` fails. With `read_only` the server refuses every statement that would write.
    """

    async def dial() -> asyncpg.Connection:
        conn = await asyncpg.connect(
            url,  # the driver reads it whole: sslmode, sslrootcert and the rest of libpq's
            timeout=connect_timeout,
            server_settings=_server_settings(application, statement_timeout_ms)
            | ({"role": role} if role else {})
            | ({"default_transaction_read_only": "on"} if read_only else {}),
        )
        if tracing.spans is not None:
            tracing.spans.statements.watch_driver(conn)
        return conn

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=dial,
        hide_parameters=True,  # an error text must not carry digests into the log
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    if tracing.spans is not None:
        tracing.spans.statements.watch_engine(engine.sync_engine, url)
    return Database(engine, url=url, schema=schema, on_wait=on_pool_wait)


def _server_settings(application: str, statement_timeout_ms: int) -> dict[str, str]:
    return {
        "application_name": application,
        "statement_timeout": str(statement_timeout_ms),
        "idle_in_transaction_session_timeout": "30000",
        "timezone": "UTC",
        "jit": "off",
        # A batch's arrays look cheap to the planner each time it sees their values,
        # so it would plan the same statement anew for ever: 1–2 ms of a request. A
        # plan that is kept must not rest on a table that was empty when it was made:
        # without sequential scans a fresh partition is read by its index from the
        # first row on.
        "enable_seqscan": "off",
        "plan_cache_mode": "force_generic_plan",
    }


_RETRIABLE = frozenset({"40001", "40P01"})  # serialization failure, deadlock


async def retrying(work: Callable[[], Awaitable[Result]], *, times: int = 5) -> Result:
    """Run a whole transaction again when the server chose it as the victim of a deadlock."""
    for _ in range(times - 1):
        try:
            return await work()
        except (DBAPIError, asyncpg.PostgresError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if getattr(cause, "sqlstate", None) not in _RETRIABLE:
                raise
    return await work()
