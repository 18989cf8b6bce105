"""POST /auth/login with grant_type=digital_signature (spec §3.4)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from services.mithril_api.actions.sign_in_by_signature import (
    Outcome,
    SignatureAsked,
    sign_in_by_signature,
)
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.records import rendered
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.sign_in import NextStep
from services.mithril_api.domain.signatures import GRANT
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.limiting import limit
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.tokens import NO_STORE
from shared.models.ids import ClientId
from shared.peers.persons import PersonsUnavailableError
from shared.peers.signatures import SignatureServiceError, SignaturesUnavailableError
from shared.runtime.http import note
from shared.wire.casting import Body, Id, ScopeText, cast
from shared.wire.envelope import Answer, Problem, unavailable


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PydanticCustomError("cast", "is invalid", {"params": ["base64"]}) from None
    return text


class SignatureBody(Body):
    """Signed content holds `{"jwt": …}` with a nonce of the same client."""

    grant_type: Literal["digital_signature"]
    signed_content: Annotated[str, AfterValidator(_base64)]
    signed_content_encoding: Literal["base64"]
    client_id: Id
    scope: ScopeText


async def post_signature(request: web.Request, body: Mapping[str, Any]) -> Answer:
    """Sign a human in by what they signed. The header `drfo` of the original means nothing."""
    deps = request.app[DEPS]
    if deps.signatures is None or deps.persons is None:
        request.app[METRICS].grants.labels(GRANT, "grant_forbidden").inc()
        refuse(Refused(Reason.GRANT_FORBIDDEN))
    form = cast(SignatureBody, body)
    await limit(request, Purpose.LOGIN, client=str(form.client_id))
    asked = SignatureAsked(
        signed_content=form.signed_content,
        client_id=ClientId(form.client_id),
        scope=tuple(form.scope.split()),
    )
    outcome = await _outcome(request, asked)
    result = outcome.reason.name.lower() if isinstance(outcome, Refused) else "issued"
    request.app[METRICS].grants.labels(GRANT, result).inc()
    note(request, client_id=str(asked.client_id), grant_type=GRANT, outcome=result)
    if isinstance(outcome, Refused):
        refuse(outcome)
    note(request, user_id=str(outcome.token.user_id))
    data = rendered(outcome.token, value=outcome.value)
    urgent = {"next_step": NextStep.REQUEST_APPS}
    return Answer(data=data, status=201, urgent=urgent, headers=NO_STORE)


async def _outcome(request: web.Request, asked: SignatureAsked) -> Outcome:
    try:
        return await sign_in_by_signature(request.app[DEPS], asked)
    except SignatureServiceError as error:
        request.app[METRICS].grants.labels(GRANT, "content_refused").inc()
        raise _relayed(error) from None
    except (SignaturesUnavailableError, PersonsUnavailableError) as error:
        request.app[METRICS].grants.labels(GRANT, "unavailable").inc()
        note(request, unavailable=str(error))
        raise unavailable() from None


def _relayed(error: SignatureServiceError) -> Problem:
    """The service's own error object under our status line (spec §1.2)."""
    kind, message = error.error.get("type"), error.error.get("message")
    invalid = error.error.get("invalid")
    items = invalid if isinstance(invalid, list) else []
    return Problem(
        error.status,
        kind if isinstance(kind, str) else "request_malformed",
        message if isinstance(message, str) else None,
        invalid=[item for item in items if isinstance(item, dict)],
    )
