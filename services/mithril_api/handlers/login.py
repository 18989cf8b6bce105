"""POST /auth/login and /auth/logout: sessions of humans, for the sign-in pages (spec §1.3 O2)."""

from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import StringConstraints

from services.mithril_api.actions import log_out, sign_in
from services.mithril_api.actions.sign_in import SignInAsked
from services.mithril_api.domain import signatures
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.records import TokenObject, rendered
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.sign_in import Grant
from services.mithril_api.handlers import second_factors
from services.mithril_api.handlers.callers import required_bearer
from services.mithril_api.handlers.captcha import require_captcha
from services.mithril_api.handlers.declaring import ANYBODY, STEP, EmptyObject, wrapped
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.limiting import limit
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.second_factors import NextStepObject
from services.mithril_api.handlers.signature_login import SignatureBody, post_signature
from services.mithril_api.handlers.tokens import NO_STORE
from shared.models.ids import ClientId
from shared.models.tokens import TokenName
from shared.runtime.bodies import read_wrapped
from shared.runtime.http import note
from shared.wire.casting import Body, ScopeText, Text, cast, parse_uuid
from shared.wire.envelope import Answer, unprocessable
from shared.wire.operations import Gives, operation

Captcha = Annotated[str, StringConstraints(max_length=8192)]


class PasswordBody(Body):
    """`grant_type=password` and `grant_type=change_password`.

    `token` is the answer to a reCAPTCHA, required where one is configured.
    """

    grant_type: Literal["password", "change_password"]
    email: Text
    password: Text
    client_id: Text
    scope: ScopeText
    token: Captcha | None = None


@operation(
    Gives(data=TokenObject, urgent=NextStepObject, status=201),
    takes=wrapped(
        "token",
        PasswordBody,
        SignatureBody,
        second_factors.AuthorizeBody,
        second_factors.RefreshBody,
    ),
    needs=(*ANYBODY, *STEP),
    refuses=(401, 403, 404, 409, 429),
)
async def post_login(request: web.Request) -> Answer:
    """Sign a human in.

    With a second factor the token is a `2fa_access_token`, which authorises nothing: it is
    what the second factor is shown with.
    """
    body = await read_wrapped(request, "token")
    match body.get("grant_type"):
        case Grant.PASSWORD | Grant.CHANGE_PASSWORD as grant:
            return await _sign_in(request, Grant(grant), cast(PasswordBody, body))
        case signatures.GRANT:
            return await post_signature(request, body)
        case second_factors.AUTHORIZE:
            return await second_factors.post_authorize(request, body)
        case second_factors.REFRESH:
            return await second_factors.post_refresh(request, body)
        case None | "":
            raise unprocessable("Request must include grant_type.")
        case _:
            request.app[METRICS].grants.labels("other", "grant_forbidden").inc()
            refuse(Refused(Reason.GRANT_FORBIDDEN))


async def _sign_in(request: web.Request, grant: Grant, form: PasswordBody) -> Answer:
    client_id = ClientId(parse_uuid(form.client_id))
    await limit(request, Purpose.LOGIN, client=str(client_id), user=form.email.lower())
    await require_captcha(request, form.token)
    asked = SignInAsked(
        grant=grant,
        client_id=client_id,
        email=form.email,
        password=form.password,
        scope=tuple(form.scope.split()),
    )
    outcome = await sign_in.sign_in(request.app[DEPS], asked)
    result = outcome.reason.name.lower() if isinstance(outcome, Refused) else "issued"
    request.app[METRICS].grants.labels(grant, result).inc()
    note(request, client_id=str(asked.client_id), grant_type=grant, outcome=result)
    if isinstance(outcome, Refused):
        refuse(outcome)
    token = outcome.minted.token
    note(request, user_id=str(token.user_id))
    data = rendered(token, value=outcome.minted.value)
    urgent: dict[str, Any] = {"next_step": outcome.next_step}
    if outcome.minted.token.name is TokenName.SECOND_FACTOR:
        known = outcome.factors
        urgent["factors"] = [second_factors.shown_factor(factor) for factor in known]
        urgent["factor_id"] = known[0].id if known else None
    return Answer(data=data, status=201, urgent=urgent, headers=NO_STORE)


@operation(Gives(data=EmptyObject), needs=STEP, refuses=(401,))
async def post_logout(request: web.Request) -> Answer:
    """End the session of the bearer token, and its refresh token's."""
    outcome = await log_out.log_out(request.app[DEPS], required_bearer(request))
    if isinstance(outcome, Refused):
        refuse(outcome)
    note(request, user_id=str(outcome.user_id), client_id=str(outcome.client_id))
    return Answer(data={}, headers=NO_STORE)
