"""How admin answers are written: timestamps, pages, created things (spec §1.1)."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from aiohttp import web
from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from services.mithril_api.store.users import User
from shared.wire.envelope import Answer, Page

# UTC without a zone, as the original wrote every timestamp.
Timestamp = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}$",
            "description": "UTC.",
        }
    ),
]
PAGE_SIZE = 50  # the default, and the most

_NUMBER = re.compile(r"^[0-9]{1,9}\Z")


class UserObject(TypedDict):
    """An account."""

    id: UUID
    email: str
    tax_id: str | None
    person_id: str | None
    settings: Mapping[str, Any]
    is_blocked: bool
    block_reason: str | None
    inserted_at: Timestamp
    updated_at: Timestamp


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


def list_answer(
    items: Sequence[Mapping[str, object]], page: PageAsked, total: int
) -> Answer:
    """One page of a list, and where it stands."""
    paging = Page(number=page.number, size=page.size, total=total)
    return Answer(data=list(items), paging=paging)


def created(data: Mapping[str, object], location: str) -> Answer:
    """201 with the address of what was made."""
    return Answer(data=data, status=201, headers={"Location": location})


def user_object(user: User) -> UserObject:
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
