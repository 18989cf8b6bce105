"""Requests to what a token gives access to (RFC 6750): one function admits them all."""

from typing import NoReturn

from aiohttp import web

from services.mithril_api.actions.verify_tokens import VerifyAsked, refused_unseen
from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault, invalid_request
from services.mithril_api.domain.oauth2.parameters import FORM
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.holding import challenge_to
from services.mithril_api.handlers.keys import VERIFIES
from services.mithril_api.handlers.oauth2.answers import OAuthError
from services.mithril_api.handlers.oauth2.forms import read_form
from shared.runtime.bearer import shown_by
from shared.runtime.http import note
from shared.wire.holders import Shown

_REALM = 'Bearer realm="mithril"'


async def admitted(request: web.Request, *, scope: str) -> Token:
    """The live access token of a request, which holds `scope`; or the refusal of RFC 6750 §3.

    It comes in the header, or in the form of a POST, and never in the query: that is logged.
    One that is bound to a key comes with a proof of it (RFC 9449 §7).
    """
    shown = await _shown(request)
    token = await _live(request, shown.token)
    note(request, user_id=str(token.user_id), client_id=str(token.client_id))
    challenge = await challenge_to(request, shown, token)
    if challenge is not None:
        fault = Fault(ErrorCode.INVALID_TOKEN, "the token's key is not proved")
        if shown.scheme == "Bearer":
            _challenge(fault)
        raise OAuthError(fault, headers={"WWW-Authenticate": challenge})
    if scope not in token.scope:
        fault = Fault(ErrorCode.INSUFFICIENT_SCOPE, "the token does not hold the scope")
        _challenge(fault, scope=scope)
    return token


async def _shown(request: web.Request) -> Shown:
    form = None
    if request.method == "POST" and request.content_type == FORM:
        form = (await read_form(request)).get("access_token")
    if "access_token" in request.query:
        _challenge(invalid_request("the token belongs in the header, not in the query"))
    headers = request.headers.getall("Authorization", [])
    if len(headers) + (form is not None) > 1:
        _challenge(invalid_request("the token is presented in more than one way"))
    shown = shown_by(request) if form is None else Shown(token=form)
    if shown is None:
        _challenge(None)
    return shown


async def _live(request: web.Request, value: str) -> Token:
    asked = VerifyAsked(value=value, is_introspection=True)
    verdict = refused_unseen(asked) or await request.app[VERIFIES].submit(asked)
    if isinstance(verdict, Refused):
        refuse_token()
    return verdict.token


def refuse_token() -> NoReturn:
    """The token is no good; whatever the reason, a new one is needed."""
    text = "the access token is unknown, expired or revoked"
    _challenge(Fault(ErrorCode.INVALID_TOKEN, text))


def _challenge(fault: Fault | None, *, scope: str | None = None) -> NoReturn:
    """Refuse; without any token, nothing is said of an error (RFC 6750 §3.1)."""
    words = [_REALM]
    if fault is not None:
        words += [f'error="{fault.code}"', f'error_description="{fault.description}"']
    if scope is not None:
        words.append(f'scope="{scope}"')
    said = fault or Fault(ErrorCode.INVALID_TOKEN, "an access token is required")
    raise OAuthError(said, headers={"WWW-Authenticate": ", ".join(words)})
