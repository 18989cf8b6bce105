"""/api/pis/apps: a user sees and withdraws their own approvals (docs §5)."""

import re
from uuid import UUID

from aiohttp import web

from services.mithril_api.actions.delete_app import delete_app
from services.mithril_api.handlers.apps import AppObject, Filters, rendered
from services.mithril_api.handlers.callers import MISSING_CONSUMER, consumer_of
from services.mithril_api.handlers.declaring import CONSUMER_HEADER, GONE, consumer, page_of
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import cast_query
from services.mithril_api.handlers.rendering import NOTHING, PageAsked, list_answer
from services.mithril_api.store import apps
from shared.models.ids import AppId, UserId
from shared.runtime.http import note
from shared.wire.casting import is_uuid, parse_uuid
from shared.wire.envelope import (
    Answer,
    Invalid,
    Problem,
    access_denied,
    forbidden,
    validation_failed,
)
from shared.wire.operations import Gives, operation

READ, DELETE = "app:read_pis", "app:delete_pis"
_PAGE_SIZE, _MOST = 50, 100
_NUMBER = re.compile(r"^[0-9]{1,9}\Z")


@operation(
    page_of(AppObject, number="page_number"),
    query=Filters,
    needs=consumer(READ),
    headers=CONSUMER_HEADER,
    refuses=(401, 403),
)
async def get_all(request: web.Request) -> Answer:
    """A page of the approvals that the caller gave."""
    user_id = await _user(request, READ)
    form = cast_query(Filters, request)
    page = _page(request)
    async with request.app[DEPS].db.read() as conn:
        found, total = await apps.page_of_user(
            conn,
            user_id,
            client_ids=_client_ids(form.client_ids),
            name_prefixes=_items(form.client_names, "client_name-"),
            number=page.number,
            size=page.size,
        )
    return list_answer([rendered(item) for item in found], page, total)


@operation(
    Gives(data=AppObject),
    needs=consumer(READ),
    headers=CONSUMER_HEADER,
    refuses=(401, 403, 404),
)
async def get_one(request: web.Request) -> Answer:
    """One of them; another's is not there."""
    user_id, app_id = await _user(request, READ), _app_of_path(request)
    async with request.app[DEPS].db.read() as conn:
        found = await apps.named_by_id(conn, app_id, user_id=user_id)
    if found is None:
        raise Problem(404, "not_found", "Approval not found")
    return Answer(data=rendered(found))


@operation(GONE, needs=consumer(DELETE), headers=CONSUMER_HEADER, refuses=(401, 403))
async def delete(request: web.Request) -> Answer:
    """Withdraw one of them: what it allowed ends with the same commit. Another's: 403."""
    user_id, app_id = await _user(request, DELETE), _app_of_path(request)
    refused = await delete_app(request.app[DEPS], user_id, app_id)
    if refused is not None:
        raise forbidden("Forbidden")
    note(request, app_id=str(app_id))
    return NOTHING


async def _user(request: web.Request, scope: str) -> UserId:
    try:
        caller = await consumer_of(request, scope=scope, or_session=True)
    except Problem as problem:
        if problem.message == MISSING_CONSUMER:
            raise access_denied("Unauthorized") from None  # the text of these pages
        raise
    return UserId(parse_uuid(caller.user_id))


def _app_of_path(request: web.Request) -> AppId:
    return AppId(parse_uuid(request.match_info["id"]))


def _page(request: web.Request) -> PageAsked:
    """`page_number` and `page_size`; what is no positive number is the default."""
    number = _positive(request.query.get("page_number"), default=1)
    size = _positive(request.query.get("page_size"), default=_PAGE_SIZE)
    return PageAsked(number, min(size, _MOST))


def _positive(text: str | None, *, default: int) -> int:
    if text is None or _NUMBER.match(text) is None:
        return default
    return int(text) or default


def _client_ids(text: str) -> list[UUID]:
    items = _items(text, "client-")
    if not all(map(is_uuid, items)):
        wrong = Invalid(
            entry="$.client_ids",
            rule="cast",
            params=("uuid",),
            description="is invalid",
            entry_type="query_param",
        )
        raise validation_failed([wrong])
    return [UUID(item) for item in items]


def _items(text: str, mark: str) -> list[str]:
    """The items of a comma list, with or without the mark that `/admin/apps` wants."""
    items = (item.strip().removeprefix(mark) for item in text.split(","))
    return [item for item in items if item]
