"""Devices without a browser (RFC 8628): what they ask for, what users answer, how they poll."""

from typing import Any, Literal
from uuid import UUID

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions.exchange_code import CodeAsked
from services.mithril_api.actions.oauth2 import answer_device, begin_device, poll_device
from services.mithril_api.actions.oauth2.answer_device import DeviceAnswer
from services.mithril_api.actions.oauth2.authenticate_client import Admitted
from services.mithril_api.actions.preview_app import Preview
from services.mithril_api.domain.grants import DEVICE_CODE
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.oauth2 import authorization, devices, scopes
from services.mithril_api.domain.oauth2.client_authentication import (
    Authenticated,
    KnownConnection,
    unkept,
)
from services.mithril_api.domain.oauth2.devices import DeviceRequest
from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault
from services.mithril_api.domain.oauth2.parameters import Parameters
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.callers import Caller, consumer_of
from services.mithril_api.handlers.consent import NamedClient
from services.mithril_api.handlers.declaring import CONSUMER_HEADER, consumer, wrapped
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.limiting import limit, limit_whole
from services.mithril_api.handlers.oauth2 import granting, id_tokens
from services.mithril_api.handlers.oauth2.answers import issuer_of, json_answer, refuse
from services.mithril_api.handlers.oauth2.callers import admitted, quota_headers
from services.mithril_api.handlers.oauth2.declaring import (
    CLIENT,
    PROOF_HEADER,
    DeviceForm,
    form,
    plain,
)
from services.mithril_api.handlers.oauth2.forms import read_form, required
from services.mithril_api.handlers.oauth2.proofs import proof_of
from services.mithril_api.handlers.problems import refuse as refuse_in_envelope
from services.mithril_api.handlers.tokens import NO_STORE
from shared.models.ids import UserId
from shared.models.scopes import joined
from shared.runtime.bodies import read_wrapped
from shared.runtime.http import note
from shared.wire.casting import Body, Id, Text, cast
from shared.wire.envelope import Answer
from shared.wire.operations import Gives, operation

_FORBIDDEN = Fault(ErrorCode.UNAUTHORIZED_CLIENT, "the client may not use this grant")


class DeviceShown(Body):
    """Which device: by the code that it shows."""

    user_code: Text


class DeviceAnswered(DeviceShown):
    """The same, and what its user says."""

    answer: Literal["allow", "deny"]


class _Whose(Body):
    """Who is calling says that, never the request."""

    user_id: Id


class DeviceBody(DeviceShown, _Whose):
    """Which device, and whose answer."""


class AnswerBody(DeviceAnswered, DeviceBody):
    """The same with the answer."""


class DeviceCodesObject(TypedDict):
    """A code for the device, and one for its user (§3.2)."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class DevicePreviewObject(TypedDict):
    """What the user would let the client of a device do."""

    client: NamedClient
    scope: str
    new: str
    trusted: bool
    user_code: str


class DeviceAnswerObject(TypedDict):
    """What was said, to which client."""

    client_id: UUID
    answer: Literal["allow", "deny"]


@operation(
    plain(DeviceCodesObject),
    takes=form(DeviceForm),
    headers=PROOF_HEADER,
    needs=CLIENT,
    refuses=(401, 429),
)
async def post_device_authorization(request: web.Request) -> web.StreamResponse:
    """Begin (§3.1, §3.2): a code for the device to poll with, and one for its user to type."""
    form = await read_form(request)
    await limit(request, Purpose.AUTHORIZE)
    who = await admitted(request, form, purpose=Purpose.TOKEN, proof=proof_of(request))
    asked = _wanted(request, form, who.client)
    request.app[METRICS].grants.labels(
        "device_authorization", "refused" if isinstance(asked, Fault) else "begun"
    ).inc()
    if isinstance(asked, Fault):
        refuse(asked, **quota_headers(request, who))
    deps = request.app[DEPS]
    begun = await begin_device.begin(deps, who.client.client_id, asked)
    page = f"{deps.settings.auth_web_url.rstrip('/')}/device"
    user_code = devices.shown(begun.user_code)
    return json_answer(
        {
            "device_code": begun.device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": int(devices.LIVES.total_seconds()),
            "interval": devices.INTERVAL,
        },
        headers=quota_headers(request, who),
    )


def _wanted(
    request: web.Request, form: Parameters, who: Authenticated
) -> DeviceRequest | Fault:
    client, settings = who.client, request.app[DEPS].settings
    if DEVICE_CODE not in client.metadata.grant_types or _connection_of(who) is None:
        return _FORBIDDEN
    scope = scopes.read(form.get("scope"))
    if isinstance(scope, Fault):
        return scope
    resource = form.every("resource")
    is_trusted = str(client.client_id) in settings.trusted_client_ids
    fault = (
        unkept(client.metadata)
        or authorization.wrong_scope(client, scope, is_trusted=is_trusted)
        or authorization.wrong_resource(client, resource)
    )
    return fault or DeviceRequest(
        scope=scope,
        resource=resource,
        issuer=issuer_of(request, settings.issuer),
        dpop_jkt=who.confirmation.jkt,
    )


def _connection_of(who: Authenticated) -> KnownConnection | None:
    """What stands for the client where no redirect says which connection."""
    if who.connection is not None:
        return who.connection
    return who.client.connections[0] if who.client.connections else None


async def poll(request: web.Request, form: Parameters, who: Admitted) -> dict[str, Any]:
    """The grant of POST /oauth2/token (§3.4)."""
    connection = _connection_of(who.client)
    if DEVICE_CODE not in who.client.metadata.grant_types or connection is None:
        granting.count(request, "device_code", _FORBIDDEN)
        refuse(_FORBIDDEN)
    asked = CodeAsked(
        client_id=who.client.client_id,
        by=connection,
        code=required(form, "device_code"),
        redirect_uri=None,
        terms=granting.terms(request, form, who),
    )
    outcome = await poll_device.poll(request.app[DEPS], asked)
    granting.count(request, "device_code", outcome)
    if isinstance(outcome, Fault):
        refuse(outcome, **quota_headers(request, who))
    body = granting.answer(request, outcome.access, refresh_token=outcome.refresh.value)
    return body | await id_tokens.beside(request, who, outcome.access, outcome.signed_in)


@operation(
    Gives(data=DevicePreviewObject),
    takes=wrapped("device", DeviceShown),
    needs=consumer("app:authorize"),
    headers=CONSUMER_HEADER,
    refuses=(401, 403, 404, 429),
)
async def post_preview(request: web.Request) -> Answer:
    """What a device asks its user for; refused as the consent itself would be."""
    caller = await consumer_of(request, scope="app:authorize")
    form = cast(
        DeviceBody, {**await read_wrapped(request, "device"), "user_id": caller.user_id}
    )
    await _limit_guesses(request, caller)
    outcome = await answer_device.show(request.app[DEPS], _answer_of(form, caller))
    if isinstance(outcome, Refused):
        note(request, outcome=outcome.reason.name.lower())
        refuse_in_envelope(outcome)
    note(request, app_client_id=str(outcome.client_id))
    return Answer(data=_shown(form, outcome), headers=NO_STORE)


def _shown(form: DeviceBody, found: Preview) -> DevicePreviewObject:
    return {
        "client": {"id": found.client_id, "name": found.client_name},
        "scope": joined(found.scope),
        "new": joined(found.new),
        "trusted": found.client_is_trusted,
        "user_code": devices.shown(devices.typed(form.user_code) or ""),
    }


@operation(
    Gives(data=DeviceAnswerObject),
    takes=wrapped("device", DeviceAnswered),
    needs=consumer("app:authorize"),
    headers=CONSUMER_HEADER,
    refuses=(401, 403, 404, 429),
)
async def post_answer(request: web.Request) -> Answer:
    """Let the device have what it asks for, or not; a code is answered once."""
    caller = await consumer_of(request, scope="app:authorize")
    form = cast(
        AnswerBody, {**await read_wrapped(request, "device"), "user_id": caller.user_id}
    )
    await _limit_guesses(request, caller)
    answer = answer_device.allow if form.answer == "allow" else answer_device.refuse
    outcome = await answer(request.app[DEPS], _answer_of(form, caller))
    if isinstance(outcome, Refused):
        result = outcome.reason.name.lower()
    else:
        result = "allowed" if form.answer == "allow" else "denied"
    request.app[METRICS].grants.labels("device_consent", result).inc()
    note(request, outcome=result)
    if isinstance(outcome, Refused):
        refuse_in_envelope(outcome)
    said: DeviceAnswerObject = {"client_id": outcome, "answer": form.answer}
    return Answer(data=said, headers=NO_STORE)


async def _limit_guesses(request: web.Request, caller: Caller) -> None:
    """Guesses are few, by address and by user; and in all (§5.1)."""
    await limit(request, Purpose.DEVICE, user=caller.user_id)
    through = "gateway" if caller.token is None else str(caller.token.client_id)
    await limit_whole(request, Purpose.DEVICE, client=through)


def _answer_of(form: DeviceBody, caller: Caller) -> DeviceAnswer:
    return DeviceAnswer(
        user_id=UserId(form.user_id), user_code=form.user_code, session=caller.token
    )
