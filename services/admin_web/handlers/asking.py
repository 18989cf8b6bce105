"""What handlers ask neighbours for, with the viewer's own token; and how they take a no."""

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from aiohttp import web

from services.admin_web.handlers.keys import VIEWER
from shared.peers.neighbour import (
    Answered,
    Neighbour,
    NeighbourAwayError,
    Refused,
    Reply,
)
from shared.runtime.http import note
from shared.runtime.pages import PageError
from shared.wire.casting import is_uuid

Made = TypeVar("Made")
_NUMBER = re.compile(r"^[1-9][0-9]{0,6}\Z")


async def ask(
    request: web.Request, neighbour: Neighbour, method: str, path: str, **but: Any
) -> Reply:
    """What a neighbour says; 401 and 403 and 503 pages where nothing can be shown."""
    try:
        reply = await neighbour.ask(method, path, bearer=request[VIEWER].bearer, **but)
    except NeighbourAwayError as error:
        note(request, unavailable=str(error))
        raise PageError(503, "neighbour_away", neighbour=error.name) from None
    if isinstance(reply, Refused) and reply.status in {401, 403}:
        refuse(reply)
    return reply


async def get(
    request: web.Request,
    neighbour: Neighbour,
    path: str,
    query: Mapping[str, str] | None = None,
) -> Answered:
    """What is there; else the page that says why it cannot be shown."""
    reply = await ask(request, neighbour, "GET", path, query=query)
    if isinstance(reply, Refused):
        refuse(reply)
    return reply


async def try_get(
    request: web.Request, neighbour: Neighbour, path: str
) -> Answered | NeighbourAwayError | Refused:
    """The same as a value, for a page of which this is a part only."""
    try:
        return await neighbour.ask("GET", path, bearer=request[VIEWER].bearer)
    except NeighbourAwayError as error:
        note(request, unavailable=str(error))
        return error


async def together(*asked: Awaitable[Made]) -> list[Made]:
    """All of it at once; the first page that refuses wins."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_awaited(item)) for item in asked]
    except* PageError as errors:
        raise _first(errors) from None
    return [task.result() for task in tasks]


async def _awaited(item: Awaitable[Made]) -> Made:
    return await item


def _first(errors: BaseExceptionGroup[PageError]) -> PageError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def refuse(refused: Refused) -> NoReturn:
    """The page for a refusal."""
    match refused.status:
        case 401:
            raise PageError(401, "session_over")
        case 403:
            raise PageError(403, said=refused.message)
        case 404:
            raise PageError(404)
        case 429:
            headers = {"Retry-After": refused.retry_after or "1"}
            raise PageError(429, headers=headers)
        case _:
            raise PageError(400, said=told(refused))


def told(refused: Refused) -> list[str]:
    """A refusal in lines for people: each entry that it names, else its text."""
    lines = [
        f"{_field(entry)}: {rule.get('description', '')}"
        for entry in refused.invalid
        if "entry" in entry
        for rule in _rules(entry)
    ]
    return lines or [refused.message or refused.kind]


def _field(entry: Mapping[str, Any]) -> str:
    return str(entry["entry"]).removeprefix("$.").replace("_", " ")


def _rules(entry: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    rules = entry.get("rules")
    return [rule for rule in rules if isinstance(rule, dict)] if rules else []


def id_of(request: web.Request, name: str = "id") -> str:
    """An id of the path; 404 where it is none, for then nothing is there."""
    text = request.match_info[name]
    if not is_uuid(text):
        raise PageError(404)
    return text.lower()


def page_number(request: web.Request) -> int:
    """`page` of a query; what is no number is the first."""
    text = request.query.get("page", "1")
    return int(text) if _NUMBER.match(text) else 1


def filters_of(request: web.Request, names: Sequence[str]) -> dict[str, str]:
    """What was typed into a search form, by these names; what is empty is left out."""
    given = {name: request.query.get(name, "").strip() for name in names}
    return {name: text for name, text in given.items() if text}
