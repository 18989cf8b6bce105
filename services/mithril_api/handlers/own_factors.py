"""What users do with their own second factors (spec §1.3 O5, O6)."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired
from uuid import UUID

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions.approve_factor import Approval, approve_factor
from services.mithril_api.actions.init_factor import (
    Begun,
    SetupAsked,
    init_factor,
    refusal_of_bearer,
)
from services.mithril_api.actions.list_factors import list_factors
from services.mithril_api.actions.remove_factor import remove_factor
from services.mithril_api.domain.factors import FactorId, FactorType, masked
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.records import TokenObject, rendered
from services.mithril_api.domain.refusals import Refused, Unfit
from services.mithril_api.domain.sign_in import NextStep
from services.mithril_api.handlers.callers import required_bearer
from services.mithril_api.handlers.declaring import GONE, STEP, list_of
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.limiting import limit
from services.mithril_api.handlers.parsing import JsonObject, Phone
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import NOTHING, Timestamp, timestamp
from services.mithril_api.handlers.second_factors import (
    Code,
    FactorName,
    NextStepObject,
    missing,
)
from services.mithril_api.handlers.tokens import NO_STORE
from services.mithril_api.store.factors import Factor
from shared.runtime.bodies import read_object
from shared.runtime.http import note
from shared.wire.casting import Body, cast, parse_uuid
from shared.wire.envelope import Answer, Problem
from shared.wire.operations import Gives, Takes, operation

APPROVE_FACTOR = "APPROVE_FACTOR"


class InitBody(Body):
    """Which factor is to be set up."""

    type: Literal["SMS", "TOTP", "WEBAUTHN"]
    factor: Phone | None = None
    name: FactorName | None = None


class ApproveBody(Body):
    """What shows that it is at hand."""

    otp: Code | None = None
    webauthn: JsonObject | None = None


class FactorTokenObject(TypedDict):
    """The token with which the factor is approved."""

    id: UUID
    name: str
    value: str
    expires_at: int
    user_id: UUID


class AuthenticatorObject(TypedDict):
    """What an authenticator app is set up with."""

    secret: str
    uri: str


class SetupObject(TypedDict):
    """What comes next, and what it needs."""

    next_step: str
    totp: NotRequired[AuthenticatorObject]
    webauthn: NotRequired[dict[str, Any]]


class OwnFactorObject(TypedDict):
    """A second factor of the user who asks; a number is masked."""

    id: UUID
    type: str
    factor: str | None
    name: str | None
    last_used_at: Timestamp | None
    inserted_at: Timestamp
    updated_at: Timestamp


@operation(
    Gives(data=FactorTokenObject, urgent=SetupObject, status=201),
    takes=Takes(models=(InitBody,)),
    needs=STEP,
    refuses=(401, 403, 409, 429),
)
async def post_init(request: web.Request) -> Answer:
    """Begin to set up a factor."""
    bearer = required_bearer(request)
    body = await read_object(request)
    await limit(request, Purpose.CODE, user=bearer)
    try:
        asked = _setup_asked(bearer, body)
    except Problem:
        refused = await refusal_of_bearer(request.app[DEPS], bearer)
        if refused is not None:
            refuse(refused)
        raise
    outcome = await init_factor(request.app[DEPS], asked)
    if isinstance(outcome, Refused):
        refuse(outcome)
    token = outcome.minted.token
    note(request, user_id=str(token.user_id), client_id=str(token.client_id))
    data = rendered(token, value=outcome.minted.value)
    del data["details"]
    urgent = {"next_step": APPROVE_FACTOR, **_beside(outcome)}
    return Answer(data=data, status=201, urgent=urgent, headers=NO_STORE)


@operation(
    Gives(data=TokenObject, urgent=NextStepObject, status=201),
    takes=Takes(models=(ApproveBody,)),
    needs=STEP,
    refuses=(401, 403, 409, 429),
)
async def post_approve(request: web.Request) -> Answer:
    """Set up a factor that is shown to be at hand."""
    bearer = required_bearer(request)
    form = cast(ApproveBody, await read_object(request))
    if form.otp is None and form.webauthn is None:
        raise missing("otp")
    await limit(request, Purpose.CODE, user=bearer)
    approval = Approval(bearer=bearer, code=form.otp, answer=form.webauthn)
    outcome = await approve_factor(request.app[DEPS], approval)
    if isinstance(outcome, Refused | Unfit):
        refuse(outcome)
    token = outcome.token
    note(request, user_id=str(token.user_id), client_id=str(token.client_id))
    data = rendered(token, value=outcome.value)
    urgent = {"next_step": NextStep.REQUEST_APPS}
    return Answer(data=data, status=201, urgent=urgent, headers=NO_STORE)


@operation(list_of(OwnFactorObject), needs=STEP, refuses=(401, 403))
async def get_all(request: web.Request) -> Answer:
    """The factors of the calling user."""
    outcome = await list_factors(request.app[DEPS], required_bearer(request))
    if isinstance(outcome, Refused):
        refuse(outcome)
    return Answer(data=[_rendered(factor) for factor in outcome], headers=NO_STORE)


@operation(GONE, needs=STEP, refuses=(401, 403, 404, 409))
async def delete(request: web.Request) -> Answer:
    """Remove one of them."""
    bearer = required_bearer(request)
    factor_id = FactorId(parse_uuid(request.match_info["id"]))
    outcome = await remove_factor(request.app[DEPS], bearer, factor_id)
    if isinstance(outcome, Refused):
        refuse(outcome)
    note(request, user_id=str(outcome.user_id), client_id=str(outcome.client_id))
    return NOTHING


def _setup_asked(bearer: str, body: Mapping[str, Any]) -> SetupAsked:
    form = cast(InitBody, body)
    kind = FactorType(form.type)
    if kind is not FactorType.SMS:
        return SetupAsked(bearer=bearer, kind=kind, name=form.name)
    if form.factor is None:
        raise missing("factor")
    return SetupAsked(bearer=bearer, kind=kind, number=form.factor)


def _beside(begun: Begun) -> dict[str, Any]:
    if begun.app is not None:
        return {"totp": {"secret": begun.app.secret, "uri": begun.app.uri}}
    return {} if begun.webauthn is None else {"webauthn": begun.webauthn}


def _rendered(factor: Factor) -> OwnFactorObject:
    used_at = factor.last_used_at
    return {
        "id": factor.id,
        "type": factor.type,
        "factor": None if factor.factor is None else masked(factor.factor),
        "name": factor.name,
        "last_used_at": None if used_at is None else timestamp(used_at),
        "inserted_at": timestamp(factor.inserted_at),
        "updated_at": timestamp(factor.updated_at),
    }
