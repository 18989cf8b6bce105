"""POST /oauth/tokens: the eHealth token endpoint (spec §1.3 O1, §3.5, §3.6, decision D1)."""

from typing import Any, Literal
from uuid import UUID

from aiohttp import web

from services.mithril_api.actions import exchange_code
from services.mithril_api.actions.exchange_code import CodeAsked
from services.mithril_api.actions.issuing import ClientSecret
from services.mithril_api.actions.refresh_batch import RefreshAsked
from services.mithril_api.actions.refresh_tokens import refused_unseen
from services.mithril_api.domain.records import TokenObject, rendered
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.handlers.declaring import wrapped
from services.mithril_api.handlers.keys import DEPS, METRICS, REFRESHES
from services.mithril_api.handlers.problems import refuse
from shared.models.ids import ClientId
from shared.runtime import tracing
from shared.runtime.bodies import read_wrapped
from shared.runtime.http import note
from shared.wire.casting import Body, LongText, Text, cast, parse_uuid
from shared.wire.envelope import Answer, unprocessable
from shared.wire.operations import Gives, operation

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class RefreshBody(Body):
    """`grant_type=refresh_token`."""

    grant_type: Literal["refresh_token"]
    client_id: Text
    client_secret: Text
    refresh_token: Text


class CodeBody(Body):
    """`grant_type=authorization_code`. A `scope` is ignored, as documented."""

    grant_type: Literal["authorization_code"]
    client_id: Text
    client_secret: Text
    code: Text
    redirect_uri: LongText
    code_verifier: Text | None = None  # RFC 7636, where the consent asked for it


_CLIENT = {
    "client_id": "a3e2e8c1-6c0e-4f0f-9f4e-1c7a4b6b8d10",
    "client_secret": "L6pQ2mZt8RkX4vWc9HsB1nYd7FgJ3aTe",
}
_EXAMPLES = {
    "refresh": {
        "token": {
            "grant_type": "refresh_token",
            **_CLIENT,
            "refresh_token": "MwqWaRPZk5jyUZtDbLUYJPHSLxPvMQTg",
        }
    },
    "code": {
        "token": {
            "grant_type": "authorization_code",
            **_CLIENT,
            "code": "MqWnvYkQx3Rb7TzLd2CfPs8HjKg5VaXe",
            "redirect_uri": "https://mis.example/callback",
        }
    },
}


@operation(
    Gives(data=TokenObject, status=201),
    takes=wrapped("token", RefreshBody, CodeBody),
    refuses=(401, 403),
    examples=_EXAMPLES,
)
async def post_tokens(request: web.Request) -> Answer:
    """Issue a token for a code or a refresh token; every other grant is refused."""
    body = await read_wrapped(request, "token")
    match body.get("grant_type"):
        case "refresh_token":
            return await _refresh(request, body)
        case "authorization_code":
            return await _exchange(request, body)
        case None | "":
            raise unprocessable("Request must include grant_type.")
        case _:
            request.app[METRICS].grants.labels("other", "grant_forbidden").inc()
            refuse(Refused(Reason.GRANT_FORBIDDEN))


async def _refresh(request: web.Request, body: dict[str, Any]) -> Answer:
    form = cast(RefreshBody, body)
    asked = RefreshAsked(
        client_id=ClientId(parse_uuid(form.client_id)),
        by=ClientSecret(secret=form.client_secret),
        refresh_token=form.refresh_token,
        traceparent=tracing.current.get(),
    )
    outcome = refused_unseen(asked) or await request.app[REFRESHES].submit(asked)
    _count(request, "refresh_token", asked.client_id, outcome)
    if isinstance(outcome, Refused):
        refuse(outcome)
    access = outcome.access
    data = rendered(access.token, value=access.value, refresh_token=outcome.refresh_token)
    return Answer(data=data, status=201, headers=NO_STORE)


async def _exchange(request: web.Request, body: dict[str, Any]) -> Answer:
    form = cast(CodeBody, body)
    asked = CodeAsked(
        client_id=ClientId(parse_uuid(form.client_id)),
        by=ClientSecret(secret=form.client_secret),
        code=form.code,
        redirect_uri=form.redirect_uri,
        code_verifier=form.code_verifier,
    )
    outcome = await exchange_code.exchange(request.app[DEPS], asked)
    _count(request, "authorization_code", asked.client_id, outcome)
    if isinstance(outcome, Refused):
        refuse(outcome)
    access = outcome.access
    data = rendered(access.token, value=access.value, refresh_token=outcome.refresh.value)
    return Answer(data=data, status=201, headers=NO_STORE)


def _count(request: web.Request, grant_type: str, client_id: UUID, outcome: object) -> None:
    result = outcome.reason.name.lower() if isinstance(outcome, Refused) else "issued"
    request.app[METRICS].grants.labels(grant_type, result).inc()
    note(request, client_id=str(client_id), grant_type=grant_type, outcome=result)
