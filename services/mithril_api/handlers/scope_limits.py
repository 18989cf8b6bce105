"""/admin/client_types and /admin/roles (spec §1.4): one shape, so one module."""

from uuid import UUID

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions.add_scope_limit import add_scope_limit
from services.mithril_api.actions.change_scope_limit import change_scope_limit
from services.mithril_api.actions.delete_scope_limit import delete_scope_limit
from services.mithril_api.domain.refusals import Clash, Refused
from services.mithril_api.domain.scope_limits import Kind, ScopeLimit, ScopeLimitChange
from services.mithril_api.handlers.declaring import GONE, made, page_of, wrapped
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import (
    blanked,
    cast_beside,
    cast_new,
    cast_query,
)
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import NOTHING, created, list_answer, paged
from services.mithril_api.store import scope_limits
from shared.models.scopes import joined, scope_list
from shared.runtime.bodies import read_wrapped
from shared.wire.casting import Body, ScopeText, Text, parse_uuid
from shared.wire.envelope import Answer, not_found
from shared.wire.operations import Gives, operation


class Filters(Body):
    """`scope` is a comma list: any of them is enough."""

    name: str | None = None
    scope: str | None = None


class NewBody(Body):
    """What a new one needs."""

    name: Text
    scope: ScopeText


class ChangeBody(Body):
    """What may change."""

    name: Text | None = None
    scope: ScopeText | None = None


class ScopeLimitObject(TypedDict):
    """A role or a client type: the most that whoever has it may do."""

    id: UUID
    name: str
    scope: str


@operation(page_of(ScopeLimitObject), query=Filters)
async def get_all(kind: Kind, request: web.Request) -> Answer:
    """A page of them."""
    filters = cast_query(Filters, request)
    page = paged(request)
    async with request.app[DEPS].db.read() as conn:
        found, total = await scope_limits.listed(
            conn,
            kind,
            name=filters.name,
            scope=[item for item in (filters.scope or "").split(",") if item],
            number=page.number,
            size=page.size,
        )
    return list_answer([rendered(limit) for limit in found], page, total)


@operation(Gives(data=ScopeLimitObject), refuses=(404,))
async def get_one(kind: Kind, request: web.Request) -> Answer:
    """One of them."""
    limit_id = parse_uuid(request.match_info["id"])
    async with request.app[DEPS].db.read() as conn:
        limit = await scope_limits.by_id(conn, kind, limit_id)
    if limit is None:
        raise not_found()
    return Answer(data=rendered(limit))


@operation(made(ScopeLimitObject), takes=wrapped("{}", NewBody))
async def post(kind: Kind, request: web.Request) -> Answer:
    """Make one."""
    form = cast_new(NewBody, await read_wrapped(request, kind))
    scope = tuple(scope_list(form.scope))
    outcome = await add_scope_limit(request.app[DEPS], kind, name=form.name, scope=scope)
    if isinstance(outcome, Clash):
        refuse(outcome)
    return created(rendered(outcome), f"/admin/{kind}s/{outcome.id}")


@operation(Gives(data=ScopeLimitObject), takes=wrapped("{}", ChangeBody), refuses=(404,))
async def put(kind: Kind, request: web.Request) -> Answer:
    """Change one; what is not given stays."""
    limit_id = parse_uuid(request.match_info["id"])
    body = await read_wrapped(request, kind)
    form = cast_beside(ChangeBody, body, blanked(body, ("name", "scope")))
    changes = ScopeLimitChange(
        name=form.name,
        scope=None if form.scope is None else tuple(scope_list(form.scope)),
    )
    outcome = await change_scope_limit(request.app[DEPS], kind, limit_id, changes)
    if isinstance(outcome, Clash | Refused):
        refuse(outcome)
    return Answer(data=rendered(outcome))


@operation(GONE, refuses=(404, 409))
async def delete(kind: Kind, request: web.Request) -> Answer:
    """Delete one."""
    limit_id = parse_uuid(request.match_info["id"])
    refused = await delete_scope_limit(request.app[DEPS], kind, limit_id)
    if refused is not None:
        refuse(refused)
    return NOTHING


def rendered(limit: ScopeLimit) -> ScopeLimitObject:
    """The Role or ClientType object of the contract."""
    return {"id": limit.id, "name": limit.name, "scope": joined(limit.scope)}
