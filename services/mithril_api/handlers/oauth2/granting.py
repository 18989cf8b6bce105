"""What all grants of the token endpoint have in common: terms, answers, and how they count."""

from typing import Any

from aiohttp import web

from services.mithril_api.actions.oauth2.authenticate_client import Admitted
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.oauth2 import authorization, scopes
from services.mithril_api.domain.oauth2.access_tokens import AsJwt
from services.mithril_api.domain.oauth2.client_metadata import (
    AccessTokenFormat,
    ClientMetadata,
)
from services.mithril_api.domain.oauth2.faults import Fault, invalid_request
from services.mithril_api.domain.oauth2.parameters import Parameters
from services.mithril_api.domain.refresh import Terms
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.oauth2.answers import issuer_of, refuse
from shared.models.confirmations import confirmation_of
from shared.models.scopes import joined
from shared.models.tokens import RefreshPolicy
from shared.runtime.http import note


def as_jwt(request: web.Request, metadata: ClientMetadata) -> AsJwt | None:
    """How the client's access tokens are written; none: they are opaque, all of them."""
    settings = request.app[DEPS].settings
    always = metadata.access_token_format is AccessTokenFormat.JWT
    if not always and not settings.jwt_resources:
        return None
    return AsJwt(
        alg=metadata.access_token_alg,
        issuer=issuer_of(request, settings.issuer),
        only_for=frozenset() if always else frozenset(settings.jwt_resources),
    )


def terms(request: web.Request, form: Parameters, who: Admitted) -> Terms:
    """What a request asks for beside its grant, and what this endpoint does by default."""
    scope = scopes.read(form.get("scope"))
    if isinstance(scope, Fault):
        refuse(scope)
    metadata = who.client.metadata
    return Terms(
        # Rotation would add nothing but trouble to what is bound anyway (FAPI 2.0 §5.3.2.1).
        policy=RefreshPolicy.REUSE if metadata.is_strict else RefreshPolicy.ROTATE,
        is_public=metadata.is_public,
        confirmation=who.client.confirmation,
        scope=frozenset(scope) or None,
        resources=resources_asked(form, who),
        as_jwt=as_jwt(request, metadata),
    )


def resources_asked(form: Parameters, who: Admitted) -> tuple[str, ...]:
    """The resources that a token is asked for (RFC 8707)."""
    resources = form.every("resource")
    fault = authorization.wrong_resource(who.client.client, resources)
    if fault is not None:
        refuse(fault)
    if "audience" in form:
        refuse(invalid_request("`audience` is not supported here"))
    return resources


def answer(
    request: web.Request,
    access: Minted,
    *,
    refresh_token: str | None = None,
) -> dict[str, Any]:
    """The answer that gives a token (RFC 6749 §5.1)."""
    now = request.app[DEPS].clock.now()
    body: dict[str, Any] = {
        "access_token": access.value,
        "token_type": confirmation_of(access.token.details).token_type,
        "expires_in": int((access.token.expires_at - now).total_seconds()),
        "scope": joined(access.token.scope),
    }
    if refresh_token is not None:
        body["refresh_token"] = refresh_token
    return body


def count(request: web.Request, grant_type: str, outcome: object) -> None:
    """Count what came of a request, and say it in the log."""
    if isinstance(outcome, Refused):
        result = outcome.reason.name.lower()
    elif isinstance(outcome, Fault):
        result = str(outcome.code)
    else:
        result = outcome if isinstance(outcome, str) else "issued"
    request.app[METRICS].grants.labels(grant_type, result).inc()
    note(request, grant_type=grant_type, outcome=result)
