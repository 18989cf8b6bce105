"""Second factors at a sign-in, and how users set up their own (spec §3.7, §1.3 O5, O6)."""

import re
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

from aiohttp import web
from pydantic import BeforeValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from services.mithril_api.actions.authorize_2fa import (
    CodeShown,
    PasskeyShown,
    Shown,
    authorize_2fa,
)
from services.mithril_api.actions.passkey_options import passkey_options
from services.mithril_api.actions.refresh_2fa import ResendAsked, refresh_2fa
from services.mithril_api.domain.factors import ActiveFactor, FactorId, masked
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.records import rendered
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.domain.sign_in import NextStep
from services.mithril_api.handlers.callers import required_bearer
from services.mithril_api.handlers.declaring import STEP
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.limiting import limit
from services.mithril_api.handlers.parsing import JsonObject
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.tokens import NO_STORE
from shared.runtime.http import note
from shared.wire.casting import Body, Id, cast
from shared.wire.envelope import Answer, Invalid, validation_failed
from shared.wire.operations import Gives, operation

AUTHORIZE, REFRESH = "authorize_2fa_access_token", "refresh_2fa_access_token"

_DIGITS = re.compile(r"[0-9]{1,10}")


def _code(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return value
    raise PydanticCustomError("cast", "is invalid", {"params": ["integer"]})


Code = Annotated[  # a number in JSON has no leading zeros
    str,
    BeforeValidator(_code),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[0-9]{1,10}$"},
                {"type": "integer", "minimum": 0, "maximum": 9_999_999_999},
            ]
        }
    ),
]
FactorName = Annotated[str, StringConstraints(max_length=64)]


class AuthorizeBody(Body):
    """`grant_type=authorize_2fa_access_token`: a code, or what an authenticator signed."""

    grant_type: Literal["authorize_2fa_access_token"]
    otp: Code | None = None
    factor_id: Id | None = None
    webauthn: JsonObject | None = None


class RefreshBody(Body):
    """`grant_type=refresh_2fa_access_token`: to which factor a code is sent."""

    grant_type: Literal["refresh_2fa_access_token"]
    factor_id: Id | None = None


class ShownFactorObject(TypedDict):
    """A factor as a sign-in page may show it."""

    id: UUID
    type: str
    factor: str | None
    name: str | None


class NextStepObject(TypedDict):
    """What a sign-in needs next, and by which factors."""

    next_step: str
    factors: NotRequired[list[ShownFactorObject]]
    factor_id: NotRequired[UUID | None]


async def post_authorize(request: web.Request, body: dict[str, Any]) -> Answer:
    """Complete a sign-in."""
    form = cast(AuthorizeBody, body)
    if form.otp is None and form.webauthn is None:
        raise missing("otp")
    bearer = required_bearer(request)
    await limit(request, Purpose.CODE, user=bearer)
    shown: Shown
    if form.webauthn is not None:
        shown = PasskeyShown(bearer=bearer, answer=form.webauthn)
    else:
        named = None if form.factor_id is None else FactorId(form.factor_id)
        shown = CodeShown(bearer=bearer, code=form.otp or "", factor_id=named)
    outcome = await authorize_2fa(request.app[DEPS], shown)
    _count(request, AUTHORIZE, outcome)
    if isinstance(outcome, Refused):
        refuse(outcome)
    token = outcome.token
    note(request, user_id=str(token.user_id), client_id=str(token.client_id))
    urgent = {"next_step": NextStep.REQUEST_APPS}
    data = rendered(token, value=outcome.value)
    return Answer(data=data, status=201, urgent=urgent, headers=NO_STORE)


async def post_refresh(request: web.Request, body: dict[str, Any]) -> Answer:
    """Send the code anew."""
    form = cast(RefreshBody, body)
    bearer = required_bearer(request)
    await limit(request, Purpose.CODE, user=bearer)
    named = None if form.factor_id is None else FactorId(form.factor_id)
    asked = ResendAsked(bearer=bearer, factor_id=named)
    outcome = await refresh_2fa(request.app[DEPS], asked)
    _count(request, REFRESH, outcome)
    if isinstance(outcome, Refused):
        refuse(outcome)
    token = outcome.minted.token
    note(request, user_id=str(token.user_id), client_id=str(token.client_id))
    urgent = {
        "next_step": NextStep.REQUEST_OTP,
        "factors": [shown_factor(factor) for factor in outcome.factors],
        "factor_id": outcome.asked.id,
    }
    data = rendered(token, value=outcome.minted.value)
    return Answer(data=data, status=201, urgent=urgent, headers=NO_STORE)


@operation(Gives(data=dict[str, Any]), needs=STEP, refuses=(401, 403, 409, 429))
async def post_webauthn_options(request: web.Request) -> Answer:
    """What a browser needs to ask for a passkey."""
    bearer = required_bearer(request)
    await limit(request, Purpose.CODE, user=bearer)
    outcome = await passkey_options(request.app[DEPS], bearer)
    if isinstance(outcome, Refused):
        refuse(outcome)
    note(request, user_id=str(outcome.user_id))
    return Answer(data=outcome.options, headers=NO_STORE)


def shown_factor(factor: ActiveFactor) -> ShownFactorObject:
    """A factor as a sign-in page may show it."""
    return {
        "id": factor.id,
        "type": factor.kind,
        "factor": None if factor.number is None else masked(factor.number),
        "name": factor.name,
    }


def missing(name: str) -> Exception:
    """422 that names a field which is not there."""
    text = "can't be blank"
    entry = Invalid(entry=f"$.{name}", rule="required", description=text)
    return validation_failed([entry])


def _count(request: web.Request, grant: str, outcome: object) -> None:
    result = outcome.reason.name.lower() if isinstance(outcome, Refused) else "issued"
    request.app[METRICS].grants.labels(grant, result).inc()
    note(request, grant_type=grant, outcome=result)
