"""POST /oauth2/token: the standard's token endpoint (RFC 6749 §3.2, §4.1.3, §4.4, §6)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, NotRequired, TypeAlias

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions import exchange_code
from services.mithril_api.actions.exchange_code import CodeAsked
from services.mithril_api.actions.issuing import Proved
from services.mithril_api.actions.oauth2.authenticate_client import Admitted
from services.mithril_api.actions.oauth2.issue_client_tokens import (
    GRANT as CLIENT_CREDENTIALS,
)
from services.mithril_api.actions.oauth2.issue_client_tokens import ClientTokenAsked
from services.mithril_api.actions.refresh_batch import RefreshAsked
from services.mithril_api.actions.refresh_tokens import refused_unseen
from services.mithril_api.domain.grants import DEVICE_CODE, TOKEN_EXCHANGE
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.oauth2 import authorization, scopes
from services.mithril_api.domain.oauth2.client_authentication import Authenticated, withheld
from services.mithril_api.domain.oauth2.faults import (
    ErrorCode,
    Fault,
    invalid_grant,
)
from services.mithril_api.domain.oauth2.grant_faults import SCOPE_TOO_LONG, fault_of
from services.mithril_api.domain.oauth2.parameters import Parameters
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.keys import DEPS, METRICS, REFRESHES
from services.mithril_api.handlers.oauth2 import devices, exchange, granting, id_tokens
from services.mithril_api.handlers.oauth2.answers import json_answer, refuse
from services.mithril_api.handlers.oauth2.callers import admitted, quota_headers
from services.mithril_api.handlers.oauth2.declaring import (
    CLIENT,
    PROOF_HEADER,
    TokenForm,
    form,
    plain,
)
from services.mithril_api.handlers.oauth2.forms import read_form, required
from services.mithril_api.handlers.oauth2.proofs import proof_of
from shared.runtime import tracing
from shared.wire.operations import operation

Grant: TypeAlias = Callable[[web.Request, Parameters, Admitted], Awaitable[dict[str, Any]]]


class TokensObject(TypedDict):
    """What is issued (RFC 6749 §5.1)."""

    access_token: str
    token_type: Literal["Bearer", "DPoP"]
    expires_in: int
    scope: str
    refresh_token: NotRequired[str]
    id_token: NotRequired[str]
    issued_token_type: NotRequired[str]  # of an exchange (RFC 8693 §2.2.1)


@operation(
    plain(TokensObject),
    takes=form(TokenForm),
    headers=PROOF_HEADER,
    needs=CLIENT,
    refuses=(401, 429),
    examples={
        "client credentials": {"grant_type": "client_credentials"},
        "refresh": {
            "grant_type": "refresh_token",
            "refresh_token": "MwqWaRPZk5jyUZtDbLUYJPHSLxPvMQTg",
        },
        "code": {
            "grant_type": "authorization_code",
            "code": "MqWnvYkQx3Rb7TzLd2CfPs8HjKg5VaXe",
            "redirect_uri": "https://mis.example/callback",
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        },
    },
)
async def post_token(request: web.Request) -> web.StreamResponse:
    """Issue tokens for a grant."""
    form = await read_form(request)
    grant_type = required(form, "grant_type")
    at_once = _at_once(request, form) if grant_type == CLIENT_CREDENTIALS else None
    who = await admitted(
        request, form, purpose=Purpose.TOKEN, issue=at_once, proof=proof_of(request)
    )
    if who.issued is not None:
        granting.count(request, grant_type, who.issued)
        if isinstance(who.issued, Fault):
            refuse(who.issued, **quota_headers(request, who))
        body = granting.answer(request, who.issued)
        return json_answer(body, headers=quota_headers(request, who))
    grant = _GRANTS.get(grant_type)
    if grant is None:
        request.app[METRICS].grants.labels("other", "grant_forbidden").inc()
        refuse(
            Fault(ErrorCode.UNSUPPORTED_GRANT_TYPE, "the grant type is not supported"),
            **quota_headers(request, who),
        )
    if (fault := withheld(who.client)) is not None:
        granting.count(request, grant_type, fault)
        refuse(fault, **quota_headers(request, who))
    body = await grant(request, form, who)
    return json_answer(body, headers=quota_headers(request, who))


async def _code(request: web.Request, form: Parameters, who: Admitted) -> dict[str, Any]:
    redirect_uri, code = required(form, "redirect_uri"), required(form, "code")
    connection = who.client.connection_for(redirect_uri)
    if connection is None:
        granting.count(request, "authorization_code", "redirect_mismatch")
        refuse(invalid_grant("`redirect_uri` is not that of the request"))
    asked = CodeAsked(
        client_id=who.client.client_id,
        by=connection,
        code=code,
        redirect_uri=redirect_uri,
        code_verifier=form.get("code_verifier"),
        terms=granting.terms(request, form, who),
    )
    outcome = await exchange_code.exchange(request.app[DEPS], asked)
    granting.count(request, "authorization_code", outcome)
    if isinstance(outcome, Refused):
        refuse(fault_of(outcome))
    body = granting.answer(request, outcome.access, refresh_token=outcome.refresh.value)
    return body | await id_tokens.beside(request, who, outcome.access, outcome.signed_in)


async def _refresh(request: web.Request, form: Parameters, who: Admitted) -> dict[str, Any]:
    value = required(form, "refresh_token")
    connection_id = who.client.connection_id()
    if connection_id is None:
        refuse(invalid_grant("the client has no connection"))
    asked = RefreshAsked(
        client_id=who.client.client_id,
        by=Proved(connection_id=connection_id),
        refresh_token=value,
        terms=granting.terms(request, form, who),
        traceparent=tracing.current.get(),
    )
    outcome = refused_unseen(asked) or await request.app[REFRESHES].submit(asked)
    granting.count(request, "refresh_token", outcome)
    if isinstance(outcome, Refused):
        refuse(fault_of(outcome))
    # Of a client that keeps its refresh token, the answer says so by leaving it out (§6).
    body = granting.answer(request, outcome.access, refresh_token=outcome.refresh_token)
    return body | await id_tokens.beside(request, who, outcome.access, outcome.signed_in)


def _at_once(
    request: web.Request, form: Parameters
) -> Callable[[Authenticated], ClientTokenAsked | Fault]:
    """How a client's token for itself is issued in the batch that authenticates it."""
    traceparent = tracing.current.get()
    return lambda who: _wanted(request, form, who, traceparent)


def _wanted(
    request: web.Request, form: Parameters, who: Authenticated, traceparent: str | None
) -> ClientTokenAsked | Fault:
    """The token that a client may have for itself (RFC 6749 §4.4)."""
    client = who.client
    if (fault := withheld(who)) is not None:
        return fault
    permitted = CLIENT_CREDENTIALS in client.metadata.grant_types
    if not permitted or client.metadata.is_public or client.owner_is_blocked:
        return Fault(ErrorCode.UNAUTHORIZED_CLIENT, "the client may not use this grant")
    scope = scopes.read(form.get("scope"))
    if isinstance(scope, Fault):
        return scope
    if not set(client.type_scope).issuperset(scope):
        return Fault(ErrorCode.INVALID_SCOPE, "`scope` is wider than the client may have")
    resources = form.every("resource")
    fault = authorization.wrong_resource(client, resources)
    if fault is not None:
        return fault
    scope = scope or client.type_scope
    as_jwt = granting.as_jwt(request, client.metadata)
    if as_jwt is not None and not as_jwt.has_room_for(scope, resources):
        return SCOPE_TOO_LONG
    return ClientTokenAsked(
        client=who,
        scope=scope,
        resources=resources,
        as_jwt=as_jwt,
        traceparent=traceparent,
    )


# Of those that need what is known of a user; a client's token for itself is issued before.
_GRANTS: Mapping[str, Grant] = {
    "authorization_code": _code,
    "refresh_token": _refresh,
    DEVICE_CODE: devices.poll,
    TOKEN_EXCHANGE: exchange.exchange,
}
GRANT_TYPES = (*_GRANTS, CLIENT_CREDENTIALS)
