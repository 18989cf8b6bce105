"""/oauth2/register: clients that register themselves (RFC 7591), and manage that (RFC 7592)."""

from collections.abc import Awaitable, Mapping
from typing import Any, NoReturn, NotRequired
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from services.mithril_api.actions.oauth2 import register_client
from services.mithril_api.actions.oauth2.register_client import (
    Outcome,
    Registered,
    Unknown,
    UnpreparedError,
)
from services.mithril_api.domain.connections import Fresh
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.oauth2 import registration
from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault, invalid_request
from services.mithril_api.domain.oauth2.registration import Registration
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.limiting import limit
from services.mithril_api.handlers.oauth2.answers import (
    NO_STORE,
    OAuthError,
    issuer_of,
    json_answer,
    refuse,
)
from services.mithril_api.handlers.oauth2.declaring import plain
from shared.models.ids import ClientId
from shared.runtime.bearer import bearer_of
from shared.runtime.bodies import read_object
from shared.runtime.http import note
from shared.wire.casting import is_uuid
from shared.wire.operations import Gives, Needs, Takes, operation

PATH = "/oauth2/register"
_BY_TOKEN = (Needs(scheme="registrationToken"),)


class RegistrationBody(BaseModel):
    """What a client says of itself, under the names that IANA keeps; any beside these."""

    model_config = ConfigDict(extra="allow")

    redirect_uris: list[str]
    client_name: str | None = None
    token_endpoint_auth_method: str | None = None
    jwks: dict[str, Any] | None = None


class RegisteredObject(TypedDict):
    """What is registered (RFC 7591 §3.2.1, RFC 7592 §3)."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's own

    client_id: UUID
    client_id_issued_at: int
    client_secret: NotRequired[str]
    client_secret_expires_at: NotRequired[int]  # 0: never
    registration_client_uri: str
    registration_access_token: str
    client_name: str
    redirect_uris: list[str]
    token_endpoint_auth_method: str
    grant_types: list[str]
    response_types: list[str]
    scope: str


@operation(
    plain(RegisteredObject, status=201),
    takes=Takes(models=(RegistrationBody,)),
    needs=(Needs(scheme=""), *_BY_TOKEN),
    refuses=(401, 429),
)
async def post_register(request: web.Request) -> web.StreamResponse:
    """Register a client; where that takes a token of an operator, it is the bearer."""
    await limit(request, Purpose.REGISTRATION)
    initial = bearer_of(request)
    needed = request.app[DEPS].settings.dynamic_registration == "token"
    if needed and initial is None:
        _challenge(None)
    asked = await _described(request)
    work = register_client.register(request.app[DEPS], asked, initial=initial)
    outcome = await _prepared(work)
    return _answered(request, "registered", outcome, status=201)


@operation(plain(RegisteredObject), needs=_BY_TOKEN, refuses=(401, 429))
async def get_client(request: web.Request) -> web.StreamResponse:
    """What is registered."""
    client_id, token = await _who(request)
    outcome = await _prepared(register_client.show(request.app[DEPS], client_id, token))
    return _answered(request, "shown", outcome)


@operation(
    plain(RegisteredObject),
    takes=Takes(models=(RegistrationBody,)),
    needs=_BY_TOKEN,
    refuses=(401, 429),
)
async def put_client(request: web.Request) -> web.StreamResponse:
    """Register it anew: what is not said any more is as if it had never been."""
    client_id, token = await _who(request)
    asked = await _described(request, client_id)
    outcome = await _prepared(
        register_client.update(request.app[DEPS], client_id, token, asked)
    )
    return _answered(request, "updated", outcome)


@operation(Gives(status=204), needs=_BY_TOKEN, refuses=(401, 429))
async def delete_client(request: web.Request) -> web.StreamResponse:
    """Take it away, with what it was allowed, and its tokens."""
    client_id, token = await _who(request)
    outcome = await register_client.remove(request.app[DEPS], client_id, token)
    if isinstance(outcome, Unknown):
        _challenge(_NO_GOOD)
    _count(request, "removed")
    return web.Response(status=204, headers=NO_STORE)


async def _who(request: web.Request) -> tuple[ClientId, str]:
    await limit(request, Purpose.REGISTRATION)
    token, named = bearer_of(request), request.match_info["client_id"]
    if token is None:
        _challenge(None)
    if not is_uuid(named):
        _challenge(_NO_GOOD)
    note(request, client_id=named)
    return ClientId(UUID(named)), token


async def _described(
    request: web.Request, client_id: ClientId | None = None
) -> Registration:
    """What the request says; of one that is registered, its own id (RFC 7592 §2.2)."""
    body = await read_object(request)
    stated = body.get("client_id")
    if client_id is not None and stated != str(client_id):
        refuse(invalid_request("`client_id` must be that of the client"))
    asked = registration.read(body)
    if isinstance(asked, Fault):
        _count(request, str(asked.code))
        refuse(asked)
    return asked


async def _prepared(work: Awaitable[Outcome]) -> Outcome:
    """The outcome; 503 where it is the operator who has to do something first."""
    try:
        return await work
    except UnpreparedError as error:
        refuse(Fault(ErrorCode.TEMPORARILY_UNAVAILABLE, f"not set up: {error}"))


def _answered(
    request: web.Request, result: str, outcome: Outcome, *, status: int = 200
) -> web.Response:
    if isinstance(outcome, Unknown):
        _count(request, "token_unknown")
        _challenge(_NO_GOOD)
    _count(request, result)
    note(request, client_id=str(outcome.client_id))
    return json_answer(_shown(request, outcome), status=status)


def _shown(request: web.Request, found: Registered) -> Mapping[str, Any]:
    issuer = issuer_of(request, request.app[DEPS].settings.issuer)
    return {
        "client_id": str(found.client_id),
        "client_id_issued_at": int(found.at.timestamp()),
        **_secret(found.secret),
        "registration_client_uri": f"{issuer}{PATH}/{found.client_id}",
        "registration_access_token": found.token,
        **registration.rendered(found.registration, scope=found.scope),
    }


def _secret(made: Fresh | None) -> dict[str, Any]:
    if made is None:
        return {}
    ends = 0 if made.expires_at is None else int(made.expires_at.timestamp())
    return {"client_secret": made.secret, "client_secret_expires_at": ends}


_NO_GOOD = Fault(ErrorCode.INVALID_TOKEN, "the token is unknown, used up, or of another")


def _challenge(fault: Fault | None) -> NoReturn:
    """401 (RFC 6750 §3); without any token, nothing is said of an error."""
    words = 'Bearer realm="mithril"'
    if fault is not None:
        words += f', error="{fault.code}"'
    said = fault or Fault(ErrorCode.INVALID_TOKEN, "a token is required")
    raise OAuthError(said, status=401, headers={"WWW-Authenticate": words})


def _count(request: web.Request, result: str) -> None:
    request.app[METRICS].grants.labels("registration", result).inc()
    note(request, outcome=result)
