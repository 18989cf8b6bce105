"""Who is calling (decision D17, architecture.md §2).

On the public listener a caller is whoever the bearer token says. `x-consumer-id` is believed
only beside a service token, or in network mode, where a gateway stands in front.
"""

from dataclasses import dataclass, replace
from typing import NoReturn
from uuid import UUID

from aiohttp import web

from services.mithril_api.actions.verify_tokens import VerifyAsked, refused_unseen
from services.mithril_api.domain import bearers
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.handlers.holding import require_holder
from services.mithril_api.handlers.keys import DEPS, VERIFIES
from services.mithril_api.handlers.problems import refuse
from shared.models.scopes import narrowed, scope_set
from shared.runtime import acting, platform
from shared.runtime.bearer import bearer_of, shown_by
from shared.runtime.http import Handler, note
from shared.runtime.platform import INVALID_TOKEN, MISSING_BEARER
from shared.wire.casting import is_uuid
from shared.wire.envelope import Answer, access_denied, forbidden
from shared.wire.holders import Shown
from shared.wire.operations import Layer, Needs, around

MISSING_CONSUMER = "Missing header x-consumer-id"
CONSENTS = "app:authorize"
REQUIRED_BEARER = "Authorization header required."  # where the bearer is what is acted on


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The user on whose behalf a request is made. `user_id` is raw where a gateway sent it."""

    user_id: str
    token: Token | None  # none where a gateway vouches for the user


def is_platform(request: web.Request) -> bool:
    """Whether the platform itself is calling: by service token, or by network position."""
    return platform.is_platform(request, request.app[DEPS].settings)


async def consumer_of(
    request: web.Request, *, scope: str, or_session: bool = False
) -> Caller:
    """The calling user, who must hold `scope`; 401 or 403 with the gateway's texts.

    With `or_session`, a session that may give consents will do, too.
    """
    if is_platform(request):
        header = request.headers.get("x-consumer-id")
        if header:
            return Caller(user_id=header, token=None)
        if request.app[DEPS].settings.internal_auth != "network":
            raise access_denied(MISSING_CONSUMER)
    shown = shown_by(request)
    if shown is None:
        raise access_denied(MISSING_CONSUMER)
    token = await access_token_of(request, shown)
    if not bearers.is_of_a_user(token):
        raise access_denied(INVALID_TOKEN)  # a client consents to nothing, and owns nothing
    if not (or_session and CONSENTS in token.scope and bearers.is_session(token)):
        _require(token, scope)
    return Caller(user_id=str(token.user_id), token=token)


async def access_token_of(request: web.Request, shown: Shown) -> Token:
    """The live access token behind a credential, its user and client not blocked.

    One that is bound to a key is taken with a proof of it alone.

    As at the gateway, the token of a client behind a broker needs the broker's api-key, and
    goes no further than the broker may.
    """
    asked = VerifyAsked(value=shown.token, api_key=request.headers.get("api-key"))
    verdict = refused_unseen(asked) or await request.app[VERIFIES].submit(asked)
    if isinstance(verdict, Refused):
        if verdict.reason is Reason.USER_BLOCKED_AT_VERIFY:
            refuse(Refused(Reason.USER_BLOCKED))
        raise access_denied(INVALID_TOKEN)
    await require_holder(request, shown, verdict.token)
    note(
        request,
        user_id=str(verdict.token.user_id),
        client_id=str(verdict.token.client_id),
    )
    if verdict.broker_scope is None:
        return verdict.token
    allowed = narrowed(verdict.token.scope, scope_set(verdict.broker_scope))
    return replace(verdict.token, scope=tuple(allowed))


def required_bearer(request: web.Request) -> str:
    """The bearer credential, which the request is about; 401 where there is none."""
    bearer = bearer_of(request)
    if bearer is None:
        raise access_denied(REQUIRED_BEARER)
    return bearer


def _require(token: Token, scope: str) -> None:
    if scope not in token.scope:
        deny_scope(scope)


def deny_scope(scope: str) -> NoReturn:
    """403 in the gateway's words."""
    raise forbidden(platform.missing_allowances([scope]))


def internal(handler: Handler) -> Handler:
    """Only the platform may call: a service token, or network mode."""
    return platform.platform_only(handler, lambda request: request.app[DEPS].settings)


def admin(handler: Handler, *, scope: str) -> Handler:
    """The platform, or a user whose access token has the scope of the gateway table (§7.3).

    Events of what is done then say which user asked, be it in the platform's words.
    """

    async def guarded(request: web.Request) -> Answer | web.StreamResponse:
        if is_platform(request):
            consumer = request.headers.get("x-consumer-id", "")
            by = UUID(consumer) if is_uuid(consumer) else None
        else:
            shown = shown_by(request)
            if shown is None:
                raise access_denied(MISSING_BEARER)
            token = await access_token_of(request, shown)
            _require(token, scope)
            by = token.user_id
        acting.current.set(by)
        return await handler(request)

    needs = (platform.SERVICE_TOKEN, Needs(scheme="accessToken", scopes=(scope,)))
    return around(guarded, handler, Layer(refuses=(401, 403), needs=needs))
