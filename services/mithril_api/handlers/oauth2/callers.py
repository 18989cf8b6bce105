"""Which client is calling: authenticated, and counted against its quota."""

from collections.abc import Callable, Mapping

from aiohttp import web

from services.mithril_api.actions.oauth2.authenticate_client import Admitted, ClientAsked
from services.mithril_api.actions.oauth2.issue_client_tokens import ClientTokenAsked
from services.mithril_api.domain.limits import Holder, Purpose, holder_of_address
from services.mithril_api.domain.oauth2 import quotas
from services.mithril_api.domain.oauth2.client_assertions import Assertion
from services.mithril_api.domain.oauth2.client_authentication import (
    Authenticated,
    Bare,
    Presented,
    presented,
)
from services.mithril_api.domain.oauth2.faults import (
    ErrorCode,
    Fault,
    invalid_request,
)
from services.mithril_api.domain.oauth2.parameters import Parameters
from services.mithril_api.handlers.holding import own_urls
from services.mithril_api.handlers.keys import CLIENTS, DEPS, METRICS
from services.mithril_api.handlers.limiting import callers_address
from services.mithril_api.handlers.oauth2.answers import OAuthError, issuer_of, refuse
from shared.runtime.http import note
from shared.runtime.ingress import Distrusted, certificate_of
from shared.wire.certificates import Certificate
from shared.wire.dpop import Proof


async def admitted(
    request: web.Request,
    form: Parameters,
    *,
    purpose: Purpose | None,
    issue: Callable[[Authenticated], ClientTokenAsked | Fault] | None = None,
    proof: Proof | None = None,
) -> Admitted:
    """The client that asks; 401 where it is not who it says, 429 where it asks too often."""
    certificate = _certificate(request)
    by = presented(
        request.headers.getall("Authorization", ()),
        form,
        audiences=_audiences(request),
        certificate=certificate,
    )
    if isinstance(by, Fault):
        refuse(by)
    asked = ClientAsked(
        by=by,
        purpose=purpose,
        address=_address(request) if isinstance(by, Bare) else "",
        proof=proof,
        certificate=certificate,
        issue=issue,
    )
    outcome = await request.app[CLIENTS].submit(asked)
    if isinstance(outcome, Fault):
        if outcome.code is ErrorCode.INVALID_CLIENT:
            grants = request.app[METRICS].grants
            grants.labels("client_authentication", _wrong(by)).inc()
        refuse(outcome)
    note(
        request,
        client_id=str(outcome.client.client_id),
        authenticated_by=outcome.client.method,
    )
    if outcome.turn is not None and not outcome.turn.passes:
        request.app[DEPS].metrics.limited.labels(purpose, Holder.CLIENT).inc()
        fault = Fault(ErrorCode.TOO_MANY_REQUESTS, "the client's quota is used up")
        raise OAuthError(fault, headers=quota_headers(request, outcome))
    return outcome


def quota_headers(request: web.Request, who: Admitted) -> Mapping[str, str]:
    """What is left of the client's quota; nothing where it has none."""
    if who.turn is None:
        return {}
    return quotas.headers(who.turn, now=request.app[DEPS].clock.now())


def _certificate(request: web.Request) -> Certificate | None:
    settings = request.app[DEPS].settings
    found = certificate_of(request, settings, settings)
    if isinstance(found, Distrusted):
        refuse(invalid_request(found.why))
    return found


def _audiences(request: web.Request) -> tuple[str, ...]:
    """For whom an assertion may be made: our issuer, the endpoint, the token endpoint."""
    issuer = issuer_of(request, request.app[DEPS].settings.issuer)
    return (issuer, *own_urls(request), f"{issuer}/oauth2/token")


def _wrong(by: Presented) -> str:
    match by:
        case Assertion():
            return "assertion_wrong"
        case Bare(certificate=shown) if shown is not None:
            return "certificate_wrong"
        case _:
            return "client_secret_wrong"


def _address(request: web.Request) -> str:
    return holder_of_address(callers_address(request))
