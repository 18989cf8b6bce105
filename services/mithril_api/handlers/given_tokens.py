"""/admin/tokens (spec §1.4). A value is told to nobody but the operator who gave it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from services.mithril_api.actions.change_token import change_token
from services.mithril_api.actions.delete_token import delete_token
from services.mithril_api.actions.delete_tokens_of_users import delete_tokens_of_users
from services.mithril_api.actions.give_token import give_token
from services.mithril_api.domain import values
from services.mithril_api.domain.given_tokens import Details, TokenChange, TokenGiven
from services.mithril_api.domain.records import TokenObject, rendered
from services.mithril_api.domain.refusals import Clash, Refused
from services.mithril_api.handlers.declaring import GONE, made, page_of, wrapped
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import (
    blanked,
    cast_beside,
    cast_query,
    without_blanks,
)
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import NOTHING, list_answer, paged
from services.mithril_api.store import given_tokens, tokens
from services.mithril_api.store.given_tokens import TokenFilters
from shared.models.ids import AppId, ClientId, TokenId, UserId
from shared.models.scopes import scope_list
from shared.models.tokens import TokenName
from shared.runtime.bodies import read_wrapped
from shared.wire.casting import Body, Id, LongText, ScopeText, Text, cast, parse_uuid
from shared.wire.envelope import Answer, Invalid, Problem, malformed, not_found
from shared.wire.operations import Gives, operation

NO_STORE = {"Cache-Control": "no-store"}
_FIELDS = ("name", "value", "user_id", "expires_at", "details")

_END_OF_TIME = 253_402_300_799  # the last second of the year 9999


def _in_calendar(seconds: int) -> int:
    if 0 <= seconds <= _END_OF_TIME:
        return seconds
    raise PydanticCustomError("cast", "is invalid", {"params": ["integer"]})


Seconds = Annotated[  # since 1970
    int,
    AfterValidator(_in_calendar),
    Field(json_schema_extra={"minimum": 0, "maximum": _END_OF_TIME}),
]
Name = Annotated[TokenName, Field(strict=False)]  # by its text


class Filters(Body):
    """`name` is a part of the name; `value` is whole."""

    name: str | None = None
    value: str | None = None
    user_id: Id | None = None
    client_id: Id | None = None


class UsersQuery(Body):
    """A comma list of ids."""

    user_ids: str


class KnownDetails(Body):
    """What of `details` means something to us; the rest is kept as it is."""

    client_id: Id | None = None
    app_id: Id | None = None
    grant_type: Text | None = None
    scope: ScopeText | None = None
    scope_request: ScopeText | None = None
    redirect_uri: LongText | None = None
    code_challenge: Text | None = None
    request_authentication_factor: Text | None = None
    request_authentication_factor_type: Text | None = None
    used: bool | None = None


class ChangeBody(Body):
    """What may change."""

    name: Name | None = None
    value: Text | None = None
    user_id: Id | None = None
    expires_at: Seconds | None = None
    details: dict[str, Any] | None = None


class NewBody(ChangeBody):
    """What a new one needs."""

    name: Name
    value: Text
    user_id: Id
    expires_at: Seconds
    details: dict[str, Any]


@operation(page_of(TokenObject), query=Filters)
async def get_all(request: web.Request) -> Answer:
    """A page of tokens, without their values."""
    form = cast_query(Filters, request)
    page = paged(request)
    filters = TokenFilters(
        names=None if form.name is None else [n for n in TokenName if form.name in n],
        user_id=None if form.user_id is None else UserId(form.user_id),
        client_id=None if form.client_id is None else ClientId(form.client_id),
        digest=None if form.value is None else values.digest_of(form.value),
    )
    async with request.app[DEPS].db.read() as conn:
        found, total = await given_tokens.listed(
            conn, filters, number=page.number, size=page.size
        )
    return list_answer([rendered(token, value=None) for token in found], page, total)


@operation(Gives(data=TokenObject), refuses=(404,))
async def get_one(request: web.Request) -> Answer:
    """A token, without its value."""
    async with request.app[DEPS].db.read() as conn:
        token = await tokens.by_id(conn, _token_id(request))
    if token is None:
        raise not_found()
    return Answer(data=rendered(token, value=None))


@operation(made(TokenObject), takes=wrapped("token", NewBody))
async def post(request: web.Request) -> Answer:
    """Store a token whose value the operator chose."""
    body = await read_wrapped(request, "token")
    details, complaints = _details_of(body)
    complaints += _of_value(body.get("value"))
    form = cast_beside(NewBody, without_blanks(body), complaints)
    assert details is not None  # noqa: S101 — the form has them, and no complaint of them
    asked = TokenGiven(
        name=form.name,
        value=form.value,
        user_id=UserId(form.user_id),
        expires_at=datetime.fromtimestamp(form.expires_at, UTC),
        details=details,
    )
    outcome = await give_token(request.app[DEPS], asked)
    if isinstance(outcome, Clash):
        refuse(outcome)
    headers = {**NO_STORE, "Location": f"/admin/tokens/{outcome.id}"}
    data = rendered(outcome, value=form.value)
    return Answer(data=data, status=201, headers=headers)


@operation(Gives(data=TokenObject), takes=wrapped("token", ChangeBody), refuses=(404,))
async def put(request: web.Request) -> Answer:
    """Change a token; its value is told only where it is the new one that was sent."""
    token_id = _token_id(request)
    body = await read_wrapped(request, "token")
    details, complaints = _details_of(body)
    complaints += [*blanked(body, _FIELDS), *_of_value(body.get("value"))]
    form = cast_beside(ChangeBody, without_blanks(body), complaints)
    expires_at = form.expires_at
    change = TokenChange(
        name=form.name,
        value=form.value,
        user_id=None if form.user_id is None else UserId(form.user_id),
        expires_at=None if expires_at is None else datetime.fromtimestamp(expires_at, UTC),
        details=details,
    )
    outcome = await change_token(request.app[DEPS], token_id, change)
    if isinstance(outcome, Clash | Refused):
        refuse(outcome)
    return Answer(data=rendered(outcome, value=form.value), headers=NO_STORE)


@operation(GONE, refuses=(404,))
async def delete(request: web.Request) -> Answer:
    """Delete a token."""
    refused = await delete_token(request.app[DEPS], _token_id(request))
    if refused is not None:
        refuse(refused)
    return NOTHING


@operation(GONE, query=UsersQuery)
async def delete_of_users(request: web.Request) -> Answer:
    """Delete every token of the users of a comma list; without one nothing is deleted."""
    listed = request.query.get("user_ids")
    if not listed:
        raise malformed()
    user_ids = [UserId(parse_uuid(item)) for item in listed.split(",")]
    await delete_tokens_of_users(request.app[DEPS], user_ids)
    return NOTHING


def _token_id(request: web.Request) -> TokenId:
    return TokenId(parse_uuid(request.match_info["id"]))


def _details_of(body: Mapping[str, Any]) -> tuple[Details | None, list[Invalid]]:
    """The details that a body has, and what is wrong with them."""
    written = body.get("details")
    if not isinstance(written, dict):
        return None, []
    try:
        return _details(cast(KnownDetails, written, prefix="$.details"), written), []
    except Problem as problem:
        return None, list(problem.invalid)  # type: ignore[arg-type]  # as `cast` makes them


def _of_value(value: object) -> list[Invalid]:
    """A value in our format whose checksum is wrong could never be presented: refused (D5)."""
    if not isinstance(value, str) or not isinstance(values.shape_of(value), values.Forged):
        return []
    return [Invalid(entry="$.value", rule="format", description="has invalid format")]


def _details(known: KnownDetails, written: Mapping[str, Any]) -> Details:
    return Details(
        client_id=None if known.client_id is None else ClientId(known.client_id),
        app_id=None if known.app_id is None else AppId(known.app_id),
        grant_type=known.grant_type,
        scope=tuple(scope_list(known.scope or "")),
        scope_request=tuple(scope_list(known.scope_request or "")),
        is_used=bool(known.used),
        written=written,
    )
