"""DPoP proofs where tokens are issued: read, of this request, and made with a nonce of ours.

RFC 9449 §5, §8, §10.1. Nothing here looks at a signature: that is for when the client is known.
"""

from aiohttp import web

from services.mithril_api.domain.oauth2 import proof_nonces
from services.mithril_api.domain.oauth2.faults import (
    ErrorCode,
    Fault,
    invalid_dpop_proof,
)
from services.mithril_api.handlers.holding import own_urls
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.oauth2.answers import (
    Handler,
    OAuthError,
    refuse,
)
from shared.wire import dpop
from shared.wire.dpop import HEADER, NONCE_HEADER, Proof, Unfit
from shared.wire.operations import Layer, around


def proof_of(request: web.Request) -> Proof | None:
    """The proof that came with a request; 400 where it is none, or is not of this request."""
    proof = dpop.read(request.headers.getall(HEADER, ()))
    if proof is None:
        return None
    if isinstance(proof, Unfit):
        refuse(invalid_dpop_proof(proof.why))
    deps = request.app[DEPS]
    now, settings = deps.clock.now(), deps.settings
    given = proof.nonce
    known = given is not None and proof_nonces.is_known(settings.keyring, given, now=now)
    if not known and (given is not None or settings.dpop_nonce == "required"):
        text = "the DPoP proof needs the `nonce` that this answer's DPoP-Nonce tells"
        refuse(Fault(ErrorCode.USE_DPOP_NONCE, text))
    unfit = dpop.judge(
        proof,
        method=request.method,
        urls=own_urls(request),
        now=now,
        lives=dpop.LIVES_WITH_NONCE if known else dpop.LIVES,
    )
    if unfit is not None:
        refuse(invalid_dpop_proof(unfit.why))
    return proof


def with_nonce(handler: Handler) -> Handler:
    """A handler whose answers to proofs tell the nonce of the next (§8.2)."""

    async def render(request: web.Request) -> web.StreamResponse:
        try:
            response = await handler(request)
        except OAuthError as error:
            if HEADER in request.headers or error.fault.code in _ABOUT_PROOFS:
                error.headers[NONCE_HEADER] = _nonce(request)
            raise
        if HEADER in request.headers:
            response.headers[NONCE_HEADER] = _nonce(request)
        return response

    return around(render, handler, Layer())


def _nonce(request: web.Request) -> str:
    deps = request.app[DEPS]
    return proof_nonces.issue(deps.settings.keyring, now=deps.clock.now())


_ABOUT_PROOFS = frozenset({ErrorCode.INVALID_DPOP_PROOF, ErrorCode.USE_DPOP_NONCE})
