"""/admin/clients/{client_id}/connections (spec §1.4)."""

import re
from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from pydantic import (
    Field,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from services.mithril_api.actions.change_connection import change_connection
from services.mithril_api.actions.delete_connection import delete_connection
from services.mithril_api.actions.put_connection import put_connection
from services.mithril_api.actions.refresh_connection_secret import (
    refresh_connection_secret,
    rotate_connection_secret,
)
from services.mithril_api.domain.connections import ConnectionChange, Opened
from services.mithril_api.domain.refusals import Clash, Refused
from services.mithril_api.handlers.connection_objects import (
    ConnectionObject,
    ConnectionUse,
    OpenedConnectionObject,
    in_use,
    rendered,
)
from services.mithril_api.handlers.declaring import API_KEY_HEADER, GONE, page_of
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import (
    blanked,
    cast_beside,
    cast_query,
    without_blanks,
)
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import (
    NOTHING,
    list_answer,
    paged,
)
from services.mithril_api.store import connection_use, connections
from shared.models.ids import ClientId, ConnectionId
from shared.runtime.bodies import read_bytes, read_object
from shared.wire.casting import Body, Id, cast, is_uuid, parse_uuid
from shared.wire.envelope import Answer, Invalid, Problem, not_found, validation_failed
from shared.wire.operations import Gives, Takes, operation

NO_STORE = {"Cache-Control": "no-store"}

# What never leaves the machine may go without TLS (RFC 8252 §7.3, §8.3).
_LOOPBACK = re.compile(
    r"http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?(/[\x21\x22\x24-\x7e]*)?"
)


def _loopback_or(value: object, judge: ValidatorFunctionWrapHandler) -> object:
    if isinstance(value, str) and len(value) <= 2048 and _LOOPBACK.fullmatch(value):
        return value
    return judge(value)


# As documented, and without what no redirection may hold (RFC 6749 §3.1.2, RFC 9110 §5.5).
RedirectUri = Annotated[
    str,
    StringConstraints(max_length=2048, pattern=r"^https://[^\s\p{Cc}#]+$"),
    WrapValidator(_loopback_or),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": 2048,
            "pattern": r"^(https://[^\s#]+|http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?(/[!-~]*)?)$",
            "description": "https, or http on the user's own machine (RFC 8252).",
        }
    ),
]


_PAST = Invalid(
    entry="$.client_secret_expires_at", rule="number", description="must be in the future"
)
_REDIRECT_REQUIRED = Invalid(
    entry="$.redirect_uri", rule="required", description="can't be blank"
)


ExpiresAt = Annotated[  # Unix seconds, as RFC 7591 §3.2.1 calls and writes it
    int, Field(ge=1, le=253_402_300_799)
]


class Filters(Body):
    """`redirect_uri` is a part of it."""

    consumer_id: Id | None = None
    redirect_uri: str | None = None


class PutBody(Body):
    """An upsert: the consumer is the key. A `secret` that is sent is ignored."""

    consumer_id: Id
    redirect_uri: RedirectUri | None = None
    client_secret_expires_at: ExpiresAt | None = None


class SecretBody(Body):
    """When the new secret ends; left out: as the settings say, by default never."""

    client_secret_expires_at: ExpiresAt | None = None


class ChangeBody(Body):
    """What may change."""

    consumer_id: Id | None = None
    redirect_uri: RedirectUri | None = None


_EXPIRY = Takes(models=(SecretBody,), required=False)
_WITH_SECRET = Gives(data=OpenedConnectionObject, headers=("Location",))
_NEW_WITH_SECRET = Gives(data=OpenedConnectionObject, status=201, headers=("Location",))


@operation(page_of(ConnectionObject), query=Filters)
async def get_all(request: web.Request) -> Answer:
    """A page of a client's connections."""
    client_id = _client_id(request)
    filters = cast_query(Filters, request)
    page = paged(request)
    async with request.app[DEPS].db.read() as conn:
        found, total = await connections.listed(
            conn,
            client_id,
            consumer_id=None
            if filters.consumer_id is None
            else ClientId(filters.consumer_id),
            redirect_uri=filters.redirect_uri,
            number=page.number,
            size=page.size,
        )
    return list_answer([rendered(connection) for connection in found], page, total)


@operation(Gives(data=ConnectionObject, urgent=ConnectionUse), refuses=(404,))
async def get_one(request: web.Request) -> Answer:
    """A connection of a client, without its secret; `urgent` has what operators look for."""
    client_id, connection_id = _client_id(request), _connection_id(request)
    deps = request.app[DEPS]
    async with deps.db.read() as conn:
        connection = await connections.by_id(conn, client_id, connection_id)
        use = await connection_use.of_connection(conn, connection_id)
    if connection is None:
        raise not_found()
    return Answer(data=rendered(connection), urgent=in_use(use, now=deps.clock.now()))


@operation(_WITH_SECRET, _NEW_WITH_SECRET, takes=Takes(models=(PutBody,)), refuses=(404,))
async def put(request: web.Request) -> Answer:
    """Open or change the connection of a consumer: 201 or 200, with a fresh secret either way.

    This one route answers 404 where an id is no UUID, as documented.
    """
    try:
        client_id = _client_id(request)
    except Problem:
        raise not_found() from None
    body = await read_object(request)
    given = without_blanks(body)
    consumer_id = given.get("consumer_id")
    if isinstance(consumer_id, str) and not is_uuid(consumer_id):
        raise not_found()
    complaints = blanked(body, ["redirect_uri"])
    if consumer_id is None and "redirect_uri" not in body:  # so there is nothing to change
        complaints = [_REDIRECT_REQUIRED]
    form = cast_beside(PutBody, given, complaints)
    outcome = await put_connection(
        request.app[DEPS],
        client_id=client_id,
        consumer_id=ClientId(form.consumer_id),
        redirect_uri=form.redirect_uri,
        expires_at=_moment(request, form.client_secret_expires_at),
    )
    if not isinstance(outcome, Opened):
        refuse(outcome)
    return _with_secret(outcome)


@operation(Gives(data=ConnectionObject), takes=Takes(models=(ChangeBody,)), refuses=(404,))
async def patch(request: web.Request) -> Answer:
    """Change a connection; the secret is neither changed nor told."""
    client_id, connection_id = _client_id(request), _connection_id(request)
    body = await read_object(request)
    complaints = blanked(body, ("consumer_id", "redirect_uri"))
    form = cast_beside(ChangeBody, without_blanks(body), complaints)
    change = ConnectionChange(
        redirect_uri=form.redirect_uri,
        consumer_id=None if form.consumer_id is None else ClientId(form.consumer_id),
    )
    outcome = await change_connection(request.app[DEPS], client_id, connection_id, change)
    if isinstance(outcome, Clash | Refused):
        refuse(outcome)
    return Answer(data=rendered(outcome))


@operation(_WITH_SECRET, takes=_EXPIRY, headers=API_KEY_HEADER, refuses=(404,))
async def patch_refresh_secret(request: web.Request) -> Answer:
    """A new secret; the former one works until the overlap ends."""
    outcome = await refresh_connection_secret(
        request.app[DEPS],
        _client_id(request),
        _connection_id(request),
        api_key=request.headers.get("api-key"),
        expires_at=await _expiry_asked(request),
    )
    if isinstance(outcome, Refused):
        refuse(outcome)
    return _with_secret(outcome)


@operation(_WITH_SECRET, takes=_EXPIRY, refuses=(404,))
async def patch_rotate_secret(request: web.Request) -> Answer:
    """The same by an operator, who needs no key of the consumer."""
    outcome = await rotate_connection_secret(
        request.app[DEPS],
        _client_id(request),
        _connection_id(request),
        expires_at=await _expiry_asked(request),
    )
    if isinstance(outcome, Refused):
        refuse(outcome)
    return _with_secret(outcome)


@operation(GONE, refuses=(404,))
async def delete(request: web.Request) -> Answer:
    """Delete a connection."""
    refused = await delete_connection(
        request.app[DEPS], _client_id(request), _connection_id(request)
    )
    if refused is not None:
        refuse(refused)
    return NOTHING


def _client_id(request: web.Request) -> ClientId:
    return ClientId(parse_uuid(request.match_info["client_id"]))


def _connection_id(request: web.Request) -> ConnectionId:
    return ConnectionId(parse_uuid(request.match_info["id"]))


async def _expiry_asked(request: web.Request) -> datetime | None:
    """When the new secret shall end; a request may as well have no body."""
    if not await read_bytes(request):
        return None
    form = cast(SecretBody, await read_object(request))
    return _moment(request, form.client_secret_expires_at)


def _moment(request: web.Request, seconds: int | None) -> datetime | None:
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    if moment <= request.app[DEPS].clock.now():
        raise validation_failed([_PAST])
    return moment


def _with_secret(opened: Opened) -> Answer:
    connection = opened.connection
    path = f"/admin/clients/{connection.client_id}/connections/{connection.id}"
    ends: dict[str, int] = {}
    if opened.expires_at is not None:
        ends["client_secret_expires_at"] = int(opened.expires_at.timestamp())
    return Answer(
        data={**rendered(connection), "secret": opened.secret, **ends},
        status=201 if opened.is_new else 200,
        headers={**NO_STORE, "Location": path},
    )
