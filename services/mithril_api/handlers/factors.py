"""/admin/users/{id}/authentication_factors and /admin/otps (spec §1.4)."""

from functools import partial
from typing import Literal
from uuid import UUID

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions.change_factor import change_factor
from services.mithril_api.actions.create_factor import create_factor
from services.mithril_api.domain.factors import FactorAction, FactorId, FactorType, masked
from services.mithril_api.domain.one_time_codes import shown_key
from services.mithril_api.handlers.declaring import made, page_of
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import Flag, Phone, cast_new, cast_query
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import (
    Timestamp,
    UserObject,
    created,
    list_answer,
    paged,
    timestamp,
    user_object,
)
from services.mithril_api.handlers.users import user_of_path
from services.mithril_api.store import factors, one_time_codes, users
from services.mithril_api.store.factors import Factor
from services.mithril_api.store.one_time_codes import SentCode
from services.mithril_api.store.users import User
from shared.runtime.bodies import read_object
from shared.runtime.http import Handler
from shared.wire.casting import Body, parse_uuid
from shared.wire.envelope import Answer, not_found
from shared.wire.operations import Gives, Takes, operation


class Filters(Body):
    """A factor has all of what is given."""

    type: str | None = None
    is_active: Flag | None = None


class NewBody(Body):
    """Of which kind; a number may be set up later."""

    type: Literal["SMS"]
    factor: Phone | None = None


class CodeFilters(Body):
    """`key` is a part of the key."""

    key: str | None = None
    status: str | None = None
    active: Flag | None = None


class FactorObject(TypedDict):
    """A second factor of a user; a number is masked."""

    id: UUID
    type: str
    factor: str | None
    name: str | None
    is_active: bool
    user_id: UUID
    user: UserObject
    inserted_at: Timestamp
    updated_at: Timestamp


class SentCodeObject(TypedDict):
    """A one-time code that was sent, without the code."""

    id: UUID
    key: str
    code_expired_at: Timestamp | None
    status: str
    active: bool
    attempts_count: int
    inserted_at: Timestamp


@operation(page_of(FactorObject), query=Filters, refuses=(404,))
async def get_all(request: web.Request) -> Answer:
    """A page of a user's factors."""
    user_id = user_of_path(request)
    form = cast_query(Filters, request)
    page = paged(request)
    async with request.app[DEPS].db.read() as conn:
        user = await users.by_id(conn, user_id)
        if user is None:
            raise not_found()
        found, total = await factors.page_of_user(
            conn,
            user_id,
            kind=form.type,
            is_active=form.is_active,
            number=page.number,
            size=page.size,
        )
    return list_answer([_rendered(factor, user) for factor in found], page, total)


@operation(Gives(data=FactorObject), refuses=(404,))
async def get_one(request: web.Request) -> Answer:
    """One of them."""
    user_id, factor_id = user_of_path(request), _factor_of_path(request)
    async with request.app[DEPS].db.read() as conn:
        factor = await factors.by_id(conn, user_id, factor_id)
    if factor is None:
        raise not_found()
    return Answer(data=await _shown(request, factor))


@operation(made(FactorObject), takes=Takes(models=(NewBody,)), refuses=(404, 409))
async def post(request: web.Request) -> Answer:
    """Give a user a factor."""
    user_id = user_of_path(request)
    form = cast_new(NewBody, await read_object(request))
    kind = FactorType(form.type)
    outcome = await create_factor(request.app[DEPS], user_id, kind, form.factor)
    if not isinstance(outcome, Factor):
        refuse(outcome)
    location = f"/admin/users/{user_id}/authentication_factors/{outcome.id}"
    return created(await _shown(request, outcome), location)


async def _patch(action: FactorAction, request: web.Request) -> Answer:
    user_id, factor_id = user_of_path(request), _factor_of_path(request)
    outcome = await change_factor(request.app[DEPS], user_id, factor_id, action)
    if not isinstance(outcome, Factor):
        refuse(outcome)
    return Answer(data=await _shown(request, outcome))


def _changing(action: FactorAction, summary: str) -> Handler:
    declared = operation(Gives(data=FactorObject), refuses=(404, 409), summary=summary)
    return declared(partial(_patch, action))


patch_reset = _changing(FactorAction.RESET, "Forget a factor's number, to be set up anew.")
patch_disable = _changing(FactorAction.DISABLE, "Ask for a factor no longer.")
patch_enable = _changing(FactorAction.ENABLE, "Ask for a factor again.")


@operation(page_of(SentCodeObject), query=CodeFilters)
async def get_codes(request: web.Request) -> Answer:
    """A page of the one-time codes that were sent, without the codes."""
    form = cast_query(CodeFilters, request)
    page = paged(request)
    async with request.app[DEPS].db.read() as conn:
        found, total = await one_time_codes.page(
            conn,
            key=form.key,
            status=form.status,
            active=form.active,
            number=page.number,
            size=page.size,
        )
    return list_answer([_rendered_code(code) for code in found], page, total)


def _factor_of_path(request: web.Request) -> FactorId:
    return FactorId(parse_uuid(request.match_info["id"]))


async def _shown(request: web.Request, factor: Factor) -> FactorObject:
    async with request.app[DEPS].db.read() as conn:
        user = await users.by_id(conn, factor.user_id)
    if user is None:
        raise not_found()  # deleted meanwhile, and the factor with it
    return _rendered(factor, user)


def _rendered(factor: Factor, user: User) -> FactorObject:
    return {
        "id": factor.id,
        "type": factor.type,
        "factor": None if factor.factor is None else masked(factor.factor),
        "name": factor.name,
        "is_active": factor.is_active,
        "user_id": factor.user_id,
        "user": user_object(user),
        "inserted_at": timestamp(factor.inserted_at),
        "updated_at": timestamp(factor.updated_at),
    }


def _rendered_code(code: SentCode) -> SentCodeObject:
    expired_at = code.code_expired_at
    return {
        "id": code.id,
        "key": shown_key(code.key),
        "code_expired_at": None if expired_at is None else timestamp(expired_at),
        "status": code.status,
        "active": code.active,
        "attempts_count": code.attempts_count,
        "inserted_at": timestamp(code.inserted_at),
    }
