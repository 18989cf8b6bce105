"""/admin/users: accounts (spec §1.4)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import Field

from services.mithril_api.actions.create_user import UserAsked, create_user
from services.mithril_api.actions.delete_user import delete_user
from services.mithril_api.actions.update_user import UserChange, update_user
from services.mithril_api.domain import passwords
from services.mithril_api.handlers.declaring import GONE, made, page_of, wrapped
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import (
    Email,
    Flag,
    JsonObject,
    Phone,
    blanked,
    cast_beside,
    cast_query,
    uuid_list,
    without_blanks,
)
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import (
    NOTHING,
    UserObject,
    created,
    list_answer,
    paged,
    user_object,
)
from services.mithril_api.store import users
from services.mithril_api.store.users import User
from shared.models.ids import UserId
from shared.runtime.bodies import read_wrapped
from shared.wire.casting import Body, Text, parse_uuid
from shared.wire.envelope import Answer, Invalid, not_found
from shared.wire.operations import Gives, operation

_NEVER_BLANK = ("email", "password", "is_blocked")
_WHEN_BLANK: Mapping[str, Any] = {
    "tax_id": "",
    "person_id": "",
    "settings": {},
    "block_reason": None,
}
_COLUMNS = ("email", *_WHEN_BLANK)


class Filters(Body):
    """`ids` is a comma list; an account has all of what is given."""

    id: str | None = None
    ids: str | None = None
    email: str | None = None
    tax_id: str | None = None
    is_blocked: Flag | None = None


class ChangeBody(Body):
    """What may be said of an account."""

    email: Email | None = None
    password: Text | None = None
    tax_id: Text | None = None
    person_id: Text | None = None
    settings: JsonObject | None = None
    is_blocked: bool | None = None
    block_reason: Text | None = None
    factor: Phone | None = None
    wants_factor: Any = Field(
        None,
        alias="2fa_enable",
        description="exactly true: with a second factor; left out: as the settings say",
    )


class NewBody(ChangeBody):
    """What must be said of a new one."""

    email: Email
    password: Text


@operation(page_of(UserObject), query=Filters)
async def get_all(request: web.Request) -> Answer:
    """A page of accounts."""
    form = cast_query(Filters, request)
    page = paged(request)
    chosen = users.matching(
        ids=_ids(form), email=form.email, tax_id=form.tax_id, is_blocked=form.is_blocked
    )
    async with request.app[DEPS].db.read() as conn:
        found, total = await users.page(conn, chosen, number=page.number, size=page.size)
    return list_answer([user_object(user) for user in found], page, total)


def _ids(form: Filters) -> set[UUID] | None:
    given = [set(uuid_list(text)) for text in (form.id, form.ids) if text is not None]
    return set.intersection(*given) if given else None


@operation(made(UserObject), takes=wrapped("user", NewBody))
async def post(request: web.Request) -> Answer:
    """Make an account."""
    body = await read_wrapped(request, "user")
    form = cast_beside(NewBody, without_blanks(body), _complaints(body))
    asked = UserAsked(
        email=form.email,
        password=form.password,
        tax_id=form.tax_id or "",
        person_id=form.person_id or "",
        settings=form.settings or {},
        is_blocked=form.is_blocked or False,
        block_reason=form.block_reason,
        with_factor=_wants_factor(request, body),
        factor=form.factor,
    )
    outcome = await create_user(request.app[DEPS], asked)
    if not isinstance(outcome, User):
        refuse(outcome)
    return created(user_object(outcome), f"/admin/users/{outcome.id}")


@operation(Gives(data=UserObject), refuses=(404,))
async def get_one(request: web.Request) -> Answer:
    """An account."""
    async with request.app[DEPS].db.read() as conn:
        user = await users.by_id(conn, user_of_path(request))
    if user is None:
        raise not_found()
    return Answer(data=user_object(user))


@operation(Gives(data=UserObject), takes=wrapped("user", ChangeBody), refuses=(404,))
async def put(request: web.Request) -> Answer:
    """Change an account; what is not given stays."""
    user_id = user_of_path(request)
    body = await read_wrapped(request, "user")
    complaints = [*blanked(body, _NEVER_BLANK), *_complaints(body)]
    form = cast_beside(ChangeBody, without_blanks(body), complaints)
    change = UserChange(
        fields=_columns(body, form),
        is_blocked=form.is_blocked,
        password=form.password,
        factor=form.factor if _wants_factor(request, body) else None,
    )
    outcome = await update_user(request.app[DEPS], user_id, change)
    if not isinstance(outcome, User):
        refuse(outcome)
    return Answer(data=user_object(outcome))


@operation(GONE, refuses=(404,))
async def delete(request: web.Request) -> Answer:
    """Delete an account."""
    refused = await delete_user(request.app[DEPS], user_of_path(request))
    if refused is not None:
        refuse(refused)
    return NOTHING


def user_of_path(request: web.Request) -> UserId:
    """The user that the path names; 400 where it is no UUID."""
    return UserId(parse_uuid(request.match_info["user_id"]))


def _columns(body: Mapping[str, Any], form: ChangeBody) -> dict[str, Any]:
    """Columns to set: what is given, or what stands for a field that is blanked."""
    given = form.model_dump(include=set(_COLUMNS))
    if form.email is not None:
        given["email"] = form.email.lower()
    return {
        name: _WHEN_BLANK.get(name) if item is None else item
        for name, item in given.items()
        if name in body
    }


def _complaints(body: Mapping[str, Any]) -> list[Invalid]:
    password = body.get("password")
    if not isinstance(password, str) or not password.strip():
        return []
    return passwords.complaints(password)


def _wants_factor(request: web.Request, body: Mapping[str, Any]) -> bool:
    """Exactly `true`; where nothing is said, what the settings say (spec §1.4)."""
    if "2fa_enable" not in body:
        return request.app[DEPS].settings.user_2fa_enabled
    return body["2fa_enable"] is True
