"""Token exchange at POST /oauth2/token (RFC 8693): a service that acts for a user."""

from dataclasses import replace
from typing import Any

from aiohttp import web

from services.mithril_api.actions.oauth2.authenticate_client import Admitted
from services.mithril_api.actions.oauth2.exchange_token import (
    ExchangeAsked,
    exchange_token,
)
from services.mithril_api.actions.verify_tokens import VerifyAsked, refused_unseen
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.oauth2 import token_exchange
from services.mithril_api.domain.oauth2.faults import Fault
from services.mithril_api.domain.oauth2.parameters import Parameters
from services.mithril_api.domain.oauth2.token_exchange import ACCESS_TOKEN, Wish
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.keys import DEPS, VERIFIES
from services.mithril_api.handlers.oauth2 import granting
from services.mithril_api.handlers.oauth2.answers import refuse
from services.mithril_api.handlers.oauth2.callers import quota_headers
from shared.models.scopes import narrowed, scope_set
from shared.runtime.http import note


async def exchange(request: web.Request, form: Parameters, who: Admitted) -> dict[str, Any]:
    """A token for what the client does on behalf of the user whose token it shows."""
    outcome = await _exchanged(request, form, who)
    granting.count(request, "token_exchange", outcome)
    if isinstance(outcome, Fault):
        refuse(outcome, **quota_headers(request, who))
    note(request, user_id=str(outcome.token.user_id))
    return granting.answer(request, outcome) | {"issued_token_type": ACCESS_TOKEN}


async def _exchanged(
    request: web.Request, form: Parameters, who: Admitted
) -> Minted | Fault:
    wish = token_exchange.read(form, who.client)
    if isinstance(wish, Fault):
        return wish
    subject = await _subject(request, wish)
    if subject is None:
        return token_exchange.UNFIT
    asked = ExchangeAsked(
        wish=wish,
        subject=subject,
        who=who.client,
        as_jwt=granting.as_jwt(request, who.client.metadata),
    )
    return await exchange_token(request.app[DEPS], asked)


async def _subject(request: web.Request, wish: Wish) -> Token | None:
    """The token, if it works here and now: of a client behind a broker, with the broker's key."""
    asked = VerifyAsked(value=wish.subject_token, api_key=request.headers.get("api-key"))
    verdict = refused_unseen(asked) or await request.app[VERIFIES].submit(asked)
    if isinstance(verdict, Refused):
        return None
    if verdict.broker_scope is None:
        return verdict.token
    allowed = narrowed(verdict.token.scope, scope_set(verdict.broker_scope))
    return replace(verdict.token, scope=tuple(allowed))
