"""Who asks: an auditor whose access token has the scope, or a patient about themselves (D17)."""

from uuid import UUID

from aiohttp import web

from services.abac_log_consumer.domain.entries import Asker
from services.abac_log_consumer.handlers.keys import MITHRIL
from shared.peers.mithril import MithrilUnavailableError, RefusedToken, VerifiedToken
from shared.runtime.bearer import bearer_of
from shared.runtime.http import META, note
from shared.runtime.platform import missing_allowances
from shared.wire.envelope import access_denied, forbidden, unavailable

READ = "abac_log:read"
EXPORT = "abac_log:export"


async def auditor(request: web.Request, *, scope: str) -> Asker:
    """The auditor behind the bearer token; 401 or 403 with the gateway's texts."""
    token = await _token_of(request)
    _require(token, scope)
    return _asker(request, token)


async def patient_or_auditor(request: web.Request, *, patient_id: UUID) -> Asker:
    """The patient themselves, by a token of whatever scope; else an auditor."""
    token = await _token_of(request)
    if token.person_id != patient_id:
        _require(token, READ)
    return _asker(request, token)


async def _token_of(request: web.Request) -> VerifiedToken:
    bearer = bearer_of(request)
    if bearer is None:
        raise access_denied("Invalid access token")
    try:
        verdict = await request.app[MITHRIL].verify(
            bearer, api_key=request.headers.get("api-key")
        )
    except MithrilUnavailableError as error:
        note(request, unavailable=str(error))
        raise unavailable() from None
    if isinstance(verdict, RefusedToken):
        note(request, outcome=verdict.reason)
        raise access_denied("Invalid access token")
    note(request, user_id=str(verdict.user_id), client_id=str(verdict.client_id))
    return verdict


def _require(token: VerifiedToken, scope: str) -> None:
    if scope not in token.scope:
        raise forbidden(missing_allowances([scope]))


def _asker(request: web.Request, token: VerifiedToken) -> Asker:
    return Asker(
        user_id=token.user_id,
        client_id=token.client_id,
        token_id=token.token_id,
        request_id=request[META].request_id,
    )
