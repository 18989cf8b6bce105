"""PostgreSQL for a process: one engine, and one exception for "the database is away"."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
import orjson
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Result = TypeVar("Result")


class DatabaseUnavailableError(Exception):
    """The database cannot be reached, or cut the connection: nothing is known to be done."""


# Classes of SQLSTATE that mean the server went away, is starting, or has no room:
# connection exception, insufficient resources, operator intervention.
_AWAY = ("08", "53", "57P")


class Database:
    """An engine whose transactions raise `DatabaseUnavailableError` when the server is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back by an exception."""
        with _translated():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection in autocommit: for a single statement that writes nothing."""
        with _translated():
            async with self.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                yield connection

    async def ping(self) -> None:
        """Raise `DatabaseUnavailableError` unless the server answers."""
        async with self.read() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


class _translated:  # noqa: N801 — reads as a statement at its only uses
    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None and is_away(error):
            raise DatabaseUnavailableError(str(error).splitlines()[0]) from error


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
    away = (OSError, PoolTimeoutError, asyncpg.InterfaceError, TimeoutError)
    return isinstance(error, away)


def connect(
    url: str,
    *,
    pool_size: int,
    application: str,
    connect_timeout: float = 5.0,
    pool_timeout: float = 5.0,
    statement_timeout_ms: int = 10_000,
    on_pool_wait: Callable[[float], None] | None = None,
) -> Database:
    """An engine on `url` (`postgresql://…`), which connects when first used.

    `pool_pre_ping` is off: a stale connection costs one 503, a ping costs every request.
    Instead a disconnect invalidates the whole pool at once.
    """
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        hide_parameters=True,  # an error text must not carry digests into the log
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": connect_timeout,
            "server_settings": {
                "application_name": application,
                "statement_timeout": str(statement_timeout_ms),
                "idle_in_transaction_session_timeout": "30000",
                "timezone": "UTC",
                "jit": "off",
                # A batch's arrays look cheap to the planner each time it sees their values,
                # so it would plan the same statement anew for ever: 2 ms of a lone refresh.
                "plan_cache_mode": "force_generic_plan",
            },
        },
    )
    if on_pool_wait is not None:
        _observe_pool(engine, on_pool_wait)
    return Database(engine)


def _observe_pool(engine: AsyncEngine, on_pool_wait: Callable[[float], None]) -> None:
    """Report how many connections are out whenever one is taken."""

    @event.listens_for(engine.sync_engine, "checkout")
    def checked_out(*_: object) -> None:
        pool = engine.sync_engine.pool
        on_pool_wait(float(pool.checkedout()))  # type: ignore[attr-defined]  # of QueuePool


_RETRIABLE = frozenset({"40001", "40P01"})  # serialization failure, deadlock


async def retrying(work: Callable[[], Awaitable[Result]], *, times: int = 5) -> Result:
    """Run a whole transaction again when the server chose it as the victim of a deadlock."""
    for _ in range(times - 1):
        try:
            return await work()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _RETRIABLE:
                raise
    return await work()
