"""/admin/users/{id}/global_roles: roles that a user has in every client (spec §1.4)."""

from uuid import UUID

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions.grant_global_role import grant_global_role
from services.mithril_api.actions.withdraw_global_role import withdraw_global_role
from services.mithril_api.domain.refusals import Clash
from services.mithril_api.handlers.declaring import GONE, list_of, made, wrapped
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import cast_new
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import NOTHING, Timestamp, created, timestamp
from services.mithril_api.handlers.users import user_of_path
from services.mithril_api.store import global_user_roles
from services.mithril_api.store.global_user_roles import GlobalUserRole, GlobalUserRoleId
from shared.models.ids import RoleId
from shared.models.scopes import joined
from shared.runtime.bodies import read_wrapped
from shared.wire.casting import Body, Id, parse_uuid
from shared.wire.envelope import Answer, not_found
from shared.wire.operations import Gives, operation


class NewBody(Body):
    """Which role."""

    role_id: Id


class GlobalUserRoleObject(TypedDict):
    """A role that a user has in every client."""

    id: UUID
    user_id: UUID
    role_id: UUID
    role_name: str
    scope: str
    inserted_at: Timestamp
    updated_at: Timestamp


@operation(list_of(GlobalUserRoleObject))
async def get_all(request: web.Request) -> Answer:
    """Every role that a user has everywhere, on one page."""
    async with request.app[DEPS].db.read() as conn:
        found = await global_user_roles.of_user(conn, user_of_path(request))
    return Answer(data=[_rendered(granted) for granted in found])


@operation(Gives(data=GlobalUserRoleObject), refuses=(404,))
async def get_one(request: web.Request) -> Answer:
    """One of them."""
    user_id, granted_id = user_of_path(request), _granted_of_path(request)
    async with request.app[DEPS].db.read() as conn:
        granted = await global_user_roles.by_id(conn, user_id, granted_id)
    if granted is None:
        raise not_found()
    return Answer(data=_rendered(granted))


@operation(made(GlobalUserRoleObject), takes=wrapped("global_user_role", NewBody))
async def post(request: web.Request) -> Answer:
    """Give a user a role everywhere; one that is given already is answered as it is stored."""
    user_id = user_of_path(request)
    form = cast_new(NewBody, await read_wrapped(request, "global_user_role"))
    outcome = await grant_global_role(
        request.app[DEPS], user_id=user_id, role_id=RoleId(form.role_id)
    )
    if isinstance(outcome, Clash):
        refuse(outcome)
    location = f"/admin/users/{user_id}/global_roles/{outcome.id}"
    return created(_rendered(outcome), location)


@operation(GONE, refuses=(404,))
async def delete(request: web.Request) -> Answer:
    """Take one away."""
    user_id, granted_id = user_of_path(request), _granted_of_path(request)
    refused = await withdraw_global_role(request.app[DEPS], user_id, granted_id)
    if refused is not None:
        refuse(refused)
    return NOTHING


def _granted_of_path(request: web.Request) -> GlobalUserRoleId:
    return GlobalUserRoleId(parse_uuid(request.match_info["id"]))


def _rendered(granted: GlobalUserRole) -> GlobalUserRoleObject:
    return {
        "id": granted.id,
        "user_id": granted.user_id,
        "role_id": granted.role_id,
        "role_name": granted.role_name,
        "scope": joined(granted.scope),
        "inserted_at": timestamp(granted.inserted_at),
        "updated_at": timestamp(granted.updated_at),
    }
