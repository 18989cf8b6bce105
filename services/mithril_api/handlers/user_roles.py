"""Roles of users in clients (spec §1.4). The path says whose: a body cannot (W25)."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from services.mithril_api.actions.grant_role import grant_role
from services.mithril_api.actions.withdraw_roles import withdraw_roles
from services.mithril_api.domain.refusals import Clash, Reason, Refused
from services.mithril_api.handlers.declaring import GONE, list_of, made, wrapped
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import cast_new, cast_query, uuid_list
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import NOTHING, Timestamp, created, timestamp
from services.mithril_api.handlers.users import user_of_path
from services.mithril_api.store import user_roles
from services.mithril_api.store.user_roles import NamedUserRole, UserRole, UserRoleId
from shared.models.ids import ClientId, RoleId
from shared.models.scopes import joined
from shared.runtime.bodies import read_wrapped
from shared.wire.casting import Body, Id, parse_uuid
from shared.wire.envelope import Answer, Problem, not_found
from shared.wire.operations import Gives, operation


def _ids(text: str) -> list[UUID]:
    try:
        return uuid_list(text)
    except Problem:
        raise PydanticCustomError("cast", "is invalid", {"params": ["uuid"]}) from None


class Filters(Body):
    """`user_ids` is a comma list; a grant has all of what is given."""

    user_id: Id | None = None
    user_ids: Annotated[list[UUID] | None, BeforeValidator(_ids)] = None
    role_id: Id | None = None
    client_id: Id | None = None


class WithdrawalFilters(Filters):
    """What may be taken away by the name of the role, too."""

    role_name: str | None = None


class NewBody(Body):
    """Which role, in which client."""

    role_id: Id
    client_id: Id


class UserRoleObject(TypedDict):
    """A role that a user has in a client."""

    id: UUID
    user_id: UUID
    role_id: UUID
    client_id: UUID


class ScopedUserRoleObject(UserRoleObject):
    """The same, with what it allows."""

    scope: str


class NamedUserRoleObject(ScopedUserRoleObject):
    """The same, with the names of role and client."""

    role_name: str
    client_name: str
    created_at: Timestamp
    updated_at: Timestamp


@operation(list_of(NamedUserRoleObject), query=Filters)
async def get_all(request: web.Request) -> Answer:
    """Every grant that the query chooses, on one page."""
    return await _list(request, cast_query(Filters, request))


@operation(list_of(NamedUserRoleObject), query=Filters)
async def get_of_user(request: web.Request) -> Answer:
    """The same, of one user."""
    user_id = user_of_path(request)
    return await _list(request, cast_query(Filters, request), user_id)


@operation(Gives(data=UserRoleObject), refuses=(404,))
async def get_one(request: web.Request) -> Answer:
    """One grant of a user."""
    user_id = user_of_path(request)
    granted_id = UserRoleId(parse_uuid(request.match_info["id"]))
    async with request.app[DEPS].db.read() as conn:
        granted = await user_roles.of_user(conn, user_id, granted_id)
    if granted is None:
        raise not_found()
    return Answer(data=_short(granted))


@operation(made(ScopedUserRoleObject), takes=wrapped("user_role", NewBody))
async def post(request: web.Request) -> Answer:
    """Give a user a role in a client."""
    user_id = user_of_path(request)
    form = cast_new(NewBody, await read_wrapped(request, "user_role"))
    outcome = await grant_role(
        request.app[DEPS],
        user_id=user_id,
        role_id=RoleId(form.role_id),
        client_id=ClientId(form.client_id),
    )
    if isinstance(outcome, Clash):
        refuse(outcome)
    data = {**_short(outcome.role), "scope": joined(outcome.scope)}
    return created(data, f"/admin/users/{user_id}/roles/{outcome.role.id}")


@operation(GONE, query=WithdrawalFilters)
async def delete_of_user(request: web.Request) -> Answer:
    """Take roles from a user: all, or those that the query chooses."""
    user_id = user_of_path(request)
    form = cast_query(WithdrawalFilters, request)
    chosen = user_roles.matching(
        user_ids=_chosen_users(form, user_id),
        role_id=form.role_id,
        client_id=form.client_id,
        role_name=form.role_name,
    )
    await withdraw_roles(request.app[DEPS], chosen)
    return NOTHING


@operation(GONE, refuses=(404,))
async def delete_one(request: web.Request) -> Answer:
    """Take one grant away, whosever it is."""
    granted_id = UserRoleId(parse_uuid(request.match_info["id"]))
    if not await withdraw_roles(request.app[DEPS], user_roles.is_one(granted_id)):
        refuse(Refused(Reason.NOT_FOUND))
    return NOTHING


async def _list(request: web.Request, form: Filters, user_id: UUID | None = None) -> Answer:
    chosen = user_roles.matching(
        user_ids=_chosen_users(form, user_id),
        role_id=form.role_id,
        client_id=form.client_id,
    )
    async with request.app[DEPS].db.read() as conn:
        found = await user_roles.listed(conn, chosen)
    return Answer(data=[_full(item) for item in found])


def _chosen_users(form: Filters, user_id: UUID | None) -> set[UUID] | None:
    """Who is in every list that is given; none is given: everybody."""
    given = [{item} for item in (user_id, form.user_id) if item is not None]
    if form.user_ids is not None:
        given.append(set(form.user_ids))
    return set.intersection(*given) if given else None


def _short(granted: UserRole) -> UserRoleObject:
    return {
        "id": granted.id,
        "user_id": granted.user_id,
        "role_id": granted.role_id,
        "client_id": granted.client_id,
    }


def _full(item: NamedUserRole) -> NamedUserRoleObject:
    return {
        **_short(item.granted),
        "role_name": item.role_name,
        "client_name": item.client_name,
        "scope": joined(item.scope),
        "created_at": timestamp(item.granted.inserted_at),
        "updated_at": timestamp(item.granted.updated_at),
    }
