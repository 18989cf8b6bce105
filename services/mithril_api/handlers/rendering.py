"""How admin answers are written: timestamps, pages, created things (spec §1.1)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiohttp import web

from services.mithril_api.store.users import User
from shared.wire.envelope import Answer, Page

PAGE_SIZE = 50  # the default, and the most

_NUMBER = re.compile(r"^[0-9]{1,9}\Z")


class PageAsked(NamedTuple):
    """Which part of a list is asked for; numbers start at 1."""

    number: int
    size: int


def timestamp(moment: datetime) -> str:
    """UTC without a zone, with microseconds, as the original wrote every timestamp."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def paged(request: web.Request) -> PageAsked:
    """`page` and `page_size` of a query; what is no positive number is the default."""
    number = _positive(request.query.get("page"), default=1)
    size = _positive(request.query.get("page_size"), default=PAGE_SIZE)
    return PageAsked(number, min(size, PAGE_SIZE))


def _positive(text: str | None, *, default: int) -> int:
    if text is None or _NUMBER.match(text) is None:
        return default
    return int(text) or default


def list_answer(items: list[dict[str, Any]], page: PageAsked, total: int) -> Answer:
    """One page of a list, and where it stands."""
    paging = Page(number=page.number, size=page.size, total=total)
    return Answer(data=items, paging=paging)


def created(data: Mapping[str, Any], location: str) -> Answer:
    """201 with the address of what was made."""
    return Answer(data=data, status=201, headers={"Location": location})


def user_object(user: User) -> dict[str, Any]:
    """The User object of the contract (spec §1.4)."""
    return {
        "id": user.id,
        "email": user.email,
        "tax_id": user.tax_id,
        "person_id": user.person_id,
        "settings": user.settings,
        "is_blocked": user.is_blocked,
        "block_reason": user.block_reason,
        "inserted_at": timestamp(user.inserted_at),
        "updated_at": timestamp(user.updated_at),
    }


NOTHING = Answer(data=None, status=204)
