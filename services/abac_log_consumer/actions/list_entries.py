"""One page of a list: what was decided, what became of tokens, what auditors asked."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_log_consumer.actions.asking import write_down
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.cursor import Place, cursor_of
from services.abac_log_consumer.domain.entries import (
    Asker,
    AuditQuery,
    Decision,
    TokenEvent,
)
from services.abac_log_consumer.domain.filters import Asked
from services.abac_log_consumer.store import audit_queries, reading


class _Placed(Protocol):
    @property
    def id(self) -> UUID: ...

    def rendered(self) -> dict[str, Any]: ...


Entry = TypeVar("Entry", bound=_Placed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Entry]):
    """Entries newest first; `next_cursor` continues after the last, if more are there."""

    entries: Sequence[Entry]
    next_cursor: str | None


async def list_decisions(
    deps: Deps, asked: Asked, *, asker: Asker, operation: str
) -> Page[Decision]:
    """A page of decisions, written down as `operation`."""
    return await _list(
        deps,
        asked,
        lambda conn, most: reading.some_decisions(conn, asked, most=most),
        lambda entry: entry.decided_at,
        asker=asker,
        operation=operation,
    )


async def list_token_events(deps: Deps, asked: Asked, *, asker: Asker) -> Page[TokenEvent]:
    """A page of token and account events."""
    return await _list(
        deps,
        asked,
        lambda conn, most: reading.some_token_events(conn, asked, most=most),
        lambda entry: entry.at,
        asker=asker,
        operation="token_logs",
    )


async def list_audit_queries(deps: Deps, asked: Asked, *, asker: Asker) -> Page[AuditQuery]:
    """A page of what auditors asked; this query itself comes with the next."""
    return await _list(
        deps,
        asked,
        lambda conn, most: audit_queries.some(conn, asked, most=most),
        lambda entry: entry.at,
        asker=asker,
        operation="audit_queries",
    )


async def _list(
    deps: Deps,
    asked: Asked,
    read: Callable[[AsyncConnection, int], Awaitable[list[Entry]]],
    moment_of: Callable[[Entry], datetime],
    *,
    asker: Asker,
    operation: str,
) -> Page[Entry]:
    said = asked.said()
    async with deps.db.begin() as conn:
        found = await read(conn, asked.page_size + 1)
        entries = found[: asked.page_size]
        await write_down(
            deps,
            conn,
            asker,
            operation=operation,
            filters=said | ({"after": asked.after.id} if asked.after else {}),
            rows=len(entries),
        )
    if len(found) == len(entries):
        return Page(entries=entries, next_cursor=None)
    last = entries[-1]
    place = Place(at=moment_of(last), id=last.id)
    return Page(entries=entries, next_cursor=cursor_of(place, query=said))
