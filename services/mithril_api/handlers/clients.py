"""/admin/clients (spec §1.4)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions.deactivate_client_tokens import deactivate_client_tokens
from services.mithril_api.actions.delete_client import delete_client
from services.mithril_api.actions.put_client import put_client
from services.mithril_api.domain import clients as rules
from services.mithril_api.domain.clients import Client, ClientChange
from services.mithril_api.domain.refusals import Clash, Refused, Unfit
from services.mithril_api.handlers.declaring import GONE, made, page_of, wrapped
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import (
    Flag,
    blanked,
    cast_beside,
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
from services.mithril_api.store import clients
from services.mithril_api.store.clients import ClientFilters
from shared.models.ids import ClientId, UserId
from shared.runtime.bodies import read_wrapped
from shared.wire.casting import Body, Id, Text, parse_uuid
from shared.wire.envelope import Answer, not_found
from shared.wire.operations import Gives, operation


class Filters(Body):
    """`name` is a part of the name."""

    id: Id | None = None
    user_id: Id | None = None
    name: str | None = None
    is_blocked: Flag | None = None


class ChangeBody(Body):
    """What may be said of a client."""

    name: Text | None = None
    user_id: Id | None = None
    client_type_id: Id | None = None
    settings: dict[str, Any] | None = None
    priv_settings: dict[str, Any] | None = None
    is_blocked: bool | None = None
    block_reason: Text | None = None


class NewBody(ChangeBody):
    """What must be said of a new one."""

    name: Text
    user_id: Id
    client_type_id: Id


class _PublicClient(TypedDict):
    id: UUID
    name: str
    settings: Mapping[str, Any]
    is_blocked: bool
    block_reason: str | None
    user_id: UUID
    client_type_id: UUID
    inserted_at: Timestamp
    updated_at: Timestamp


class ClientObject(_PublicClient):
    """A client, with what operators alone may see."""

    priv_settings: Mapping[str, Any]


class NamedClientObject(ClientObject):
    """The same, with the name of its type."""

    client_type_name: str


class ClientDetailsObject(_PublicClient):
    """The same without what is private."""

    client_type_name: str


@operation(page_of(ClientObject), query=Filters)
async def get_all(request: web.Request) -> Answer:
    """A page of clients."""
    form = cast_query(Filters, request)
    page = paged(request)
    filters = ClientFilters(
        id=None if form.id is None else ClientId(form.id),
        user_id=None if form.user_id is None else UserId(form.user_id),
        name=form.name,
        is_blocked=form.is_blocked,
    )
    async with request.app[DEPS].db.read() as conn:
        found, total = await clients.listed(
            conn, filters, number=page.number, size=page.size
        )
    return list_answer([rendered(client) for client in found], page, total)


@operation(Gives(data=NamedClientObject), refuses=(404,))
async def get_one(request: web.Request) -> Answer:
    """A client, with the name of its type."""
    return Answer(data=await _shown(request))


@operation(Gives(data=ClientDetailsObject), refuses=(404,))
async def get_details(request: web.Request) -> Answer:
    """The same for those who may not see what is private."""
    shown = await _shown(request)
    del shown["priv_settings"]
    return Answer(data=shown)


@operation(made(ClientObject), takes=wrapped("client", NewBody))
async def post(request: web.Request) -> Answer:
    """Make a client."""
    change = _change(NewBody, await read_wrapped(request, "client"))
    deps = request.app[DEPS]
    outcome = await put_client(deps, ClientId(deps.entropy.uuid()), change)
    if isinstance(outcome, Clash | Unfit):
        refuse(outcome)
    return created(rendered(outcome), f"/admin/clients/{outcome.id}")


@operation(Gives(data=ClientObject), takes=wrapped("client", ChangeBody))
async def put(request: web.Request) -> Answer:
    """Change a client, or make the one with this id; 200 either way, as documented."""
    client_id = ClientId(parse_uuid(request.match_info["id"]))
    change = _change(ChangeBody, await read_wrapped(request, "client"))
    outcome = await put_client(request.app[DEPS], client_id, change)
    if isinstance(outcome, Clash | Unfit):
        refuse(outcome)
    return Answer(data=rendered(outcome))


@operation(GONE, refuses=(404,))
async def delete(request: web.Request) -> Answer:
    """Delete a client."""
    client_id = ClientId(parse_uuid(request.match_info["id"]))
    refused = await delete_client(request.app[DEPS], client_id)
    if refused is not None:
        refuse(refused)
    return NOTHING


@operation(Gives(data=NamedClientObject), refuses=(404,))
async def patch_deactivate_tokens(request: web.Request) -> Answer:
    """End every token of a client."""
    client_id = ClientId(parse_uuid(request.match_info["id"]))
    outcome = await deactivate_client_tokens(request.app[DEPS], client_id)
    if isinstance(outcome, Refused):
        refuse(outcome)
    client, client_type_name = outcome
    return Answer(data={**rendered(client), "client_type_name": client_type_name})


def _change(model: type[ChangeBody], body: Mapping[str, Any]) -> ClientChange:
    complaints = rules.complaints(body.get("settings"), body.get("priv_settings"))
    if model is ChangeBody:
        complaints = [*blanked(body, rules.NEVER_BLANK), *complaints]
    form = cast_beside(model, without_blanks(body), complaints)
    clears_reason = "block_reason" in body and form.block_reason is None
    return ClientChange(
        name=form.name,
        settings=form.settings,
        priv_settings=form.priv_settings,
        is_blocked=form.is_blocked,
        block_reason="" if clears_reason else form.block_reason,
        user_id=None if form.user_id is None else UserId(form.user_id),
        client_type_id=form.client_type_id,
    )


async def _shown(request: web.Request) -> dict[str, Any]:
    client_id = ClientId(parse_uuid(request.match_info["id"]))
    async with request.app[DEPS].db.read() as conn:
        found = await clients.with_type(conn, client_id)
    if found is None:
        raise not_found()
    client, client_type_name = found
    return {**rendered(client), "client_type_name": client_type_name}


def rendered(client: Client) -> ClientObject:
    """The Client object of the contract."""
    return {
        "id": client.id,
        "name": client.name,
        "settings": client.settings,
        "priv_settings": client.priv_settings,
        "is_blocked": client.is_blocked,
        "block_reason": client.block_reason,
        "user_id": client.user_id,
        "client_type_id": client.client_type_id,
        "inserted_at": timestamp(client.inserted_at),
        "updated_at": timestamp(client.updated_at),
    }
