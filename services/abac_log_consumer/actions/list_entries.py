"""One page of a list: what was decided, what became of tokens, what auditors asked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_log_consumer.actions.asking import write_down
from services.abac_log_consumer.actions.looking import Found, look
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

PATIENCE = 5.0  # seconds, half of what a statement is given

_NOBODY = UUID(int=0)  # before every id


class _Placed(Protocol):
    @property
    def id(self) -> UUID: ...

    def rendered(self) -> dict[str, Any]: ...


Entry = TypeVar("Entry", bound=_Placed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Entry]):
    """Entries newest first; `next_cursor` goes on from there, if anything older is left.

    A page of a search that took its time has fewer entries than asked for, or none.
    """

    entries: Sequence[Entry]
    next_cursor: str | None


class _Some(Protocol[Entry]):
    def __call__(
        self, conn: AsyncConnection, asked: Asked, *, most: int
    ) -> Awaitable[list[Entry]]: ...


_Span: TypeAlias = Callable[[AsyncConnection], Awaitable[tuple[datetime, datetime] | None]]


async def list_decisions(
    deps: Deps, asked: Asked, *, asker: Asker, operation: str
) -> Page[Decision]:
    """A page of decisions, written down as `operation`."""
    return await _list(
        deps,
        asked,
        reading.some_decisions,
        lambda entry: entry.decided_at,
        span=reading.span_of_decisions,
        asker=asker,
        operation=operation,
    )


async def list_token_events(deps: Deps, asked: Asked, *, asker: Asker) -> Page[TokenEvent]:
    """A page of token and account events."""
    return await _list(
        deps,
        asked,
        reading.some_token_events,
        lambda entry: entry.at,
        span=reading.span_of_token_events,
        asker=asker,
        operation="token_logs",
    )


async def list_audit_queries(deps: Deps, asked: Asked, *, asker: Asker) -> Page[AuditQuery]:
    """A page of what auditors asked; this query itself comes with the next."""
    return await _list(
        deps,
        asked,
        audit_queries.some,
        lambda entry: entry.at,
        asker=asker,
        operation="audit_queries",
    )


async def _list(
    deps: Deps,
    asked: Asked,
    some: _Some[Entry],
    moment_of: Callable[[Entry], datetime],
    *,
    asker: Asker,
    operation: str,
    span: _Span | None = None,
) -> Page[Entry]:
    said, most = asked.said(), asked.page_size + 1
    async with deps.db.begin() as conn:
        if span is not None and asked.is_searched:
            found = await _searched(conn, asked, some, span, most=most)
        else:
            found = Found(entries=await some(conn, asked, most=most), reached=None)
        entries = found.entries[: asked.page_size]
        await write_down(
            deps,
            conn,
            asker,
            operation=operation,
            filters=said | ({"after": asked.after.id} if asked.after else {}),
            rows=len(entries),
        )
    if len(found.entries) > len(entries):
        place = Place(at=moment_of(entries[-1]), id=entries[-1].id)
    elif found.reached is not None:
        place = Place(at=found.reached, id=_NOBODY)
    else:
        return Page(entries=entries, next_cursor=None)
    return Page(entries=entries, next_cursor=cursor_of(place, query=said))


async def _searched(
    conn: AsyncConnection, asked: Asked, some: _Some[Entry], span: _Span, *, most: int
) -> Found[Entry]:
    bounds = await span(conn)
    if bounds is None:
        return Found(entries=[], reached=None)
    return await look(
        lambda within, left: some(conn, within, most=left),
        asked,
        oldest=bounds[0],
        newest=bounds[1],
        most=most,
        patience=PATIENCE,
        clock=asyncio.get_running_loop().time,
    )
