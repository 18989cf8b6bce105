"""Whether the caller holds the key that its token is bound to (RFC 9449 §7, RFC 8705 §3)."""

from dataclasses import replace

from aiohttp import web

from services.mithril_api.actions.oauth2.take_proof import take_proof
from services.mithril_api.domain.records import Token
from services.mithril_api.handlers.keys import DEPS
from shared.models.confirmations import confirmation_of
from shared.runtime.http import META, note
from shared.runtime.ingress import certificate_of
from shared.runtime.platform import INVALID_TOKEN
from shared.wire import holders
from shared.wire.certificates import Certificate
from shared.wire.dpop import Unfit
from shared.wire.envelope import Problem
from shared.wire.holders import NotHeld, Shown


async def require_holder(request: web.Request, shown: Shown, token: Token) -> None:
    """401 where the token is bound and its key not proved, or was proved by the same proof."""
    challenge = await challenge_to(request, shown, token)
    if challenge is not None:
        headers = {"WWW-Authenticate": challenge}
        raise Problem(401, "access_denied", INVALID_TOKEN, headers=headers)


async def challenge_to(request: web.Request, shown: Shown, token: Token) -> str | None:
    """How to do better, where the caller is not proved to be the token's holder."""
    deps = request.app[DEPS]
    certificate = certificate_of(request, deps.settings, deps.settings)
    if isinstance(certificate, Certificate):
        shown = replace(shown, x5t=certificate.thumbprint)
    verdict = holders.judge(
        confirmation_of(token.details),
        shown,
        method=request.method,
        urls=own_urls(request),
        now=deps.clock.now(),
    )
    if verdict is None:
        return None
    if isinstance(verdict, NotHeld):
        note(request, outcome=verdict.why)
        return holders.challenge(shown)
    if isinstance(verdict, Unfit):
        note(request, outcome=verdict.why)
    elif await take_proof(deps, verdict):
        return None
    return holders.challenge(shown, proof_is_at_fault=True)


def own_urls(request: web.Request) -> tuple[str, ...]:
    """What the address that was called may be called by its caller: ours is the configured one.

    Without one it is what `Host` says.
    """
    settings = request.app[DEPS].settings
    configured = settings.issuer
    if configured is None:
        return (request[META].url,)
    path = request.raw_path.partition("?")[0]
    own = (configured.rstrip("/") + path,)
    return own if settings.mtls_url is None else (*own, settings.mtls_url + path)
