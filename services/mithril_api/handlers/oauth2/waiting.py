"""Requests that wait for their user, as the sign-in pages see them: for the platform alone."""

from typing import Literal

from aiohttp import web

from services.mithril_api.actions.oauth2 import begin_authorization
from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.handlers.declaring import RedirectObject
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.tokens import NO_STORE
from shared.models.ids import ClientId
from shared.runtime.bodies import read_object
from shared.wire.casting import Body, Id, LongText, cast
from shared.wire.envelope import Answer
from shared.wire.operations import Gives, Takes, operation

_WHY = {
    "access_denied": "the user did not allow it",
    "consent_required": "the user has to allow it first",
    "interaction_required": "the user has to do something first",
    "login_required": "the user has to sign in first",
}


class RefusalBody(Body):
    """Which request, and why it is not granted."""

    client_id: Id
    request_uri: LongText
    error: Literal[
        "access_denied", "consent_required", "interaction_required", "login_required"
    ]


@operation(
    Gives(data=RedirectObject, headers=("Location",)),
    takes=Takes(models=(RefusalBody,)),
    refuses=(404,),
)
async def post_refuse(request: web.Request) -> Answer:
    """Refuse a request: it is over, and the `Location` tells the client why."""
    form = cast(RefusalBody, await read_object(request))
    found = await begin_authorization.refuse_waiting(
        request.app[DEPS], ClientId(form.client_id), form.request_uri
    )
    if found is None:
        refuse(Refused(Reason.AUTHORIZATION_REQUEST_UNKNOWN))
    request.app[METRICS].grants.labels("consent", form.error).inc()
    location = found.refusal(Fault(ErrorCode(form.error), _WHY[form.error]))
    return Answer(
        data={"redirect_uri": location},
        status=200,
        headers={**NO_STORE, "Location": location},
    )
