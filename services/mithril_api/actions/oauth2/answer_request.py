"""A user answers what a client asked for: shown, granted, or refused (RFC 6749 §4.1.2)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from services.mithril_api.actions.authorize_app import ConsentAsked, authorize_within
from services.mithril_api.actions.oauth2.begin_authorization import digest_of
from services.mithril_api.actions.preview_app import Preview, preview_within
from services.mithril_api.deps import Deps
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.oauth2 import openid, scopes, sessions
from services.mithril_api.domain.oauth2.authorization import (
    AuthorizationRequest,
    of_stored,
)
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import authorization_requests
from services.mithril_api.store.authorization_requests import Kept
from shared.models.ids import ClientId, UserId
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerAsked:
    """Whose answer, to which request, in which session (none: a gateway vouches)."""

    user_id: UserId
    client_id: ClientId
    request_uri: str
    session: Token | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a consent page has to ask. `must_ask`: though nothing is new (`prompt=consent`)."""

    preview: Preview
    must_ask: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The code, and the request that it answers."""

    code: Minted
    request: AuthorizationRequest


Outcome: TypeAlias = Granted | Refused

CODE_LIVES = timedelta(seconds=60)  # at the most (FAPI 2.0 §5.3.2.1)


class _Undone(Exception):  # noqa: N818 — rolls back: the request is there for another answer
    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason.name)
        self.refused = refused


async def show(deps: Deps, asked: AnswerAsked) -> Shown | Refused:
    """What the user would allow. Changes nothing."""
    now = deps.clock.now()
    digest = digest_of(asked.request_uri)
    async with deps.db.read() as conn:
        kept = await authorization_requests.find(conn, digest, asked.client_id, now=now)
        request = _judged(deps, asked, kept)
        if isinstance(request, Refused):
            return request
        preview = await preview_within(deps, conn, _consent(asked, request))
    if isinstance(preview, Refused):
        return preview
    return Shown(preview=preview, must_ask="consent" in request.prompt)


async def grant(deps: Deps, asked: AnswerAsked) -> Outcome:
    """The user allows it: a request is granted once, whatever the interleaving."""
    try:
        outcome = await retrying(lambda: _grant(deps, asked))
    except _Undone as undone:
        return undone.refused
    deps.committed()
    return outcome


async def _grant(deps: Deps, asked: AnswerAsked) -> Granted:
    digest = digest_of(asked.request_uri)
    async with deps.db.begin() as conn:
        kept = await authorization_requests.take(
            conn, digest, asked.client_id, pushed=False, now=deps.clock.now()
        )
        request = _judged(deps, asked, kept)
        if isinstance(request, Refused):
            raise _Undone(request)
        code = await authorize_within(deps, conn, _consent(asked, request))
        if isinstance(code, Refused):
            raise _Undone(code)
        return Granted(code=code, request=request)


def _judged(
    deps: Deps, asked: AnswerAsked, kept: Kept | None
) -> AuthorizationRequest | Refused:
    if kept is None:
        return Refused(Reason.AUTHORIZATION_REQUEST_UNKNOWN)
    request = of_stored(kept.parameters)
    if request.subject not in (None, str(asked.user_id)):
        return Refused(Reason.AUTHENTICATION_TOO_OLD)  # somebody else has to sign in
    fresh = sessions.is_fresh(
        request, asked.session, asked_at=kept.inserted_at, now=deps.clock.now()
    )
    return request if fresh else Refused(Reason.AUTHENTICATION_TOO_OLD)


def _consent(asked: AnswerAsked, request: AuthorizationRequest) -> ConsentAsked:
    return ConsentAsked(
        user_id=asked.user_id,
        client_id=asked.client_id,
        redirect_uri=request.redirect_uri,
        scope=request.scope,
        code_challenge=request.code_challenge,
        resource=request.resource,
        unbound=scopes.OF_OPENID,
        signed_in=openid.signed_in(
            asked.session, issuer=request.issuer, nonce=request.nonce
        ),
        code_lives=CODE_LIVES,
        dpop_jkt=request.dpop_jkt,
    )
