"""/admin/apps: the consents of the user who asks (spec §1.4). Another's are not there (W25)."""

from uuid import UUID

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions.create_app import create_app
from services.mithril_api.actions.delete_app import delete_app
from services.mithril_api.actions.update_app import update_app
from services.mithril_api.domain.refusals import Clash, Refused
from services.mithril_api.handlers.callers import consumer_of
from services.mithril_api.handlers.declaring import (
    CONSUMER_HEADER,
    GONE,
    consumer,
    made,
    page_of,
    wrapped,
)
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import (
    blanked,
    cast_beside,
    cast_new,
    cast_query,
    without_blanks,
)
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import (
    NOTHING,
    Timestamp,
    created,
    list_answer,
    paged,
    timestamp,
)
from services.mithril_api.store import apps
from services.mithril_api.store.apps import NamedApp
from shared.models.ids import AppId, ClientId, UserId
from shared.models.scopes import joined, scope_list
from shared.runtime.bodies import read_wrapped
from shared.wire.casting import Body, Id, ScopeText, parse_uuid
from shared.wire.envelope import (
    Answer,
    Invalid,
    Problem,
    not_found,
    validation_failed,
)
from shared.wire.operations import Gives, operation

READ, WRITE, DELETE = "app:read", "app:write", "app:delete"
_CLIENT_ID, _CLIENT_NAME = "client-", "client_name-"
_ANOTHERS = Invalid(
    entry="$.user_id", rule="invalid", description="is not the user who asks"
)


class Filters(Body):
    """Comma lists whose items say what they are; a consent fits any item of either."""

    client_ids: str = ""
    client_names: str = ""


class NewBody(Body):
    """Whose consent, for which client, to what."""

    user_id: Id | None = None  # none: the user who asks
    client_id: Id
    scope: ScopeText


class ChangeBody(Body):
    """To what."""

    scope: ScopeText | None = None


class AppObject(TypedDict):
    """A consent of a user to what a client may do."""

    id: UUID
    scope: str
    user_id: UUID
    client_id: UUID
    client_name: str
    created_at: Timestamp
    updated_at: Timestamp


@operation(
    page_of(AppObject),
    query=Filters,
    needs=consumer(READ),
    headers=CONSUMER_HEADER,
    refuses=(401, 403, 404),
)
async def get_all(request: web.Request) -> Answer:
    """A page of the consents that the caller gave."""
    user_id = await _consumer(request, READ)
    form = cast_query(Filters, request)
    page = paged(request)
    async with request.app[DEPS].db.read() as conn:
        found, total = await apps.page_of_user(
            conn,
            user_id,
            client_ids=_client_ids(form),
            name_prefixes=_marked(form.client_names, _CLIENT_NAME),
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
    """One of them."""
    user_id, app_id = await _consumer(request, READ), _app_of_path(request)
    return Answer(data=rendered(await _found(request, user_id, app_id)))


@operation(
    made(AppObject),
    takes=wrapped("app", NewBody),
    needs=consumer(WRITE),
    headers=CONSUMER_HEADER,
    refuses=(401, 403),
)
async def post(request: web.Request) -> Answer:
    """Record a consent of the caller."""
    user_id = await _consumer(request, WRITE)
    form = cast_new(NewBody, await read_wrapped(request, "app"))
    if form.user_id not in (None, user_id):
        raise validation_failed([_ANOTHERS])
    outcome = await create_app(
        request.app[DEPS],
        user_id=user_id,
        client_id=ClientId(form.client_id),
        scope=scope_list(form.scope),
    )
    if isinstance(outcome, Clash):
        refuse(outcome)
    return created(rendered(outcome), f"/admin/apps/{outcome.app.id}")


@operation(
    Gives(data=AppObject),
    takes=wrapped("app", ChangeBody),
    needs=consumer(WRITE),
    headers=CONSUMER_HEADER,
    refuses=(401, 403, 404),
)
async def put(request: web.Request) -> Answer:
    """Change what a consent of the caller allows; whose and for whom it is stays."""
    user_id, app_id = await _consumer(request, WRITE), _app_of_path(request)
    body = await read_wrapped(request, "app")
    form = cast_beside(ChangeBody, without_blanks(body), blanked(body, ("scope",)))
    if form.scope is None:
        return Answer(data=rendered(await _found(request, user_id, app_id)))
    outcome = await update_app(
        request.app[DEPS], user_id, app_id, scope=scope_list(form.scope)
    )
    if isinstance(outcome, Refused):
        refuse(outcome)
    return Answer(data=rendered(outcome))


@operation(GONE, needs=consumer(DELETE), headers=CONSUMER_HEADER, refuses=(401, 403, 404))
async def delete(request: web.Request) -> Answer:
    """Withdraw a consent of the caller; every token for that client is revoked."""
    user_id, app_id = await _consumer(request, DELETE), _app_of_path(request)
    refused = await delete_app(request.app[DEPS], user_id, app_id)
    if refused is not None:
        refuse(refused)
    return NOTHING


async def _consumer(request: web.Request, scope: str) -> UserId:
    caller = await consumer_of(request, scope=scope)
    return UserId(parse_uuid(caller.user_id))


def _app_of_path(request: web.Request) -> AppId:
    return AppId(parse_uuid(request.match_info["id"]))


async def _found(request: web.Request, user_id: UserId, app_id: AppId) -> NamedApp:
    async with request.app[DEPS].db.read() as conn:
        found = await apps.named_by_id(conn, app_id, user_id=user_id)
    if found is None:
        raise not_found()
    return found


def _client_ids(form: Filters) -> list[UUID]:
    try:
        return [parse_uuid(item) for item in _marked(form.client_ids, _CLIENT_ID)]
    except Problem:
        raise not_found() from None  # no client is called that, says the contract


def _marked(text: str, mark: str) -> list[str]:
    """The items of a comma list that begin with the mark, without it; the rest is ignored."""
    items = (item.strip() for item in text.split(","))
    return [item.removeprefix(mark) for item in items if item.startswith(mark)]


def rendered(item: NamedApp) -> AppObject:
    """The App object of the contract (spec §1.4)."""
    app = item.app
    return {
        "id": app.id,
        "scope": joined(app.scope),
        "user_id": app.user_id,
        "client_id": app.client_id,
        "client_name": item.client_name,
        "created_at": timestamp(app.inserted_at),
        "updated_at": timestamp(app.updated_at),
    }
