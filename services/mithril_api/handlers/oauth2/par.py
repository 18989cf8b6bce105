"""POST /oauth2/par: an authorization request, pushed by its client (RFC 9126)."""

from dataclasses import replace

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions.oauth2 import begin_authorization
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.oauth2.authorization import Refusal
from services.mithril_api.domain.oauth2.faults import (
    Fault,
    invalid_dpop_proof,
    invalid_request,
)
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.oauth2.answers import json_answer, refuse
from services.mithril_api.handlers.oauth2.authorize import judged
from services.mithril_api.handlers.oauth2.callers import admitted, quota_headers
from services.mithril_api.handlers.oauth2.declaring import (
    CLIENT,
    PROOF_HEADER,
    AuthorizationForm,
    form,
    plain,
)
from services.mithril_api.handlers.oauth2.forms import read_form
from services.mithril_api.handlers.oauth2.proofs import proof_of
from shared.wire.operations import operation


class PushedObject(TypedDict):
    """By what the request is known now, and for how many seconds."""

    request_uri: str
    expires_in: int


@operation(
    plain(PushedObject, status=201),
    takes=form(AuthorizationForm),
    headers=PROOF_HEADER,
    needs=CLIENT,
    refuses=(401, 429),
)
async def post_par(request: web.Request) -> web.StreamResponse:
    """Judge and keep a request: 201, and the `request_uri` by which its browser comes."""
    form = await read_form(request)
    who = await admitted(request, form, purpose=Purpose.TOKEN, proof=proof_of(request))
    if "request_uri" in form:
        refuse(invalid_request("`request_uri` cannot be pushed"))
    client = await begin_authorization.client_of(request.app[DEPS], who.client.client_id)
    assert client is not None  # noqa: S101 — it was authenticated a moment ago
    redirect_uri = form.get("redirect_uri")
    if redirect_uri is not None and who.client.connection_for(redirect_uri) is None:
        refuse(invalid_request("`redirect_uri` is not registered for the client"))
    outcome = await judged(request, client, form)
    if isinstance(outcome, Refusal):
        refuse(outcome.fault)
    if isinstance(outcome, Fault):
        refuse(outcome)
    shown = who.client.confirmation.jkt
    if shown is not None and outcome.dpop_jkt not in (None, shown):
        refuse(invalid_dpop_proof("`dpop_jkt` is not the key of the DPoP proof"))
    outcome = replace(outcome, dpop_jkt=outcome.dpop_jkt or shown)
    deps = request.app[DEPS]
    request_uri = await begin_authorization.push(deps, client.client_id, outcome.stored())
    request.app[METRICS].grants.labels("par", "begun").inc()
    expires_in = int(begin_authorization.PUSHED_WAITS.total_seconds())
    return json_answer(
        {"request_uri": request_uri, "expires_in": expires_in},
        status=201,
        headers=quota_headers(request, who),
    )
