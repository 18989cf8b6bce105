"""To which key the tokens of a request are bound, and in which format they are made."""

from dataclasses import dataclass

from aiohttp import web

from services.mithril_api.actions.issuing import PLAIN, Issuance
from services.mithril_api.domain.oauth2.client_authentication import Authenticated
from services.mithril_api.domain.oauth2.client_metadata import AccessTokenFormat
from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault
from services.mithril_api.handlers.oauth2.answers import refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends, as far as a token can be bound to it. `jkt`: of the DPoP key it proved."""

    issuance: Issuance = PLAIN
    jkt: str | None = None


def is_sender_proved(request: web.Request) -> bool:
    """Whether a request proves more than who its client is."""
    return "DPoP" in request.headers


def needs_shaping(client: Authenticated) -> bool:
    """Whether a client's tokens are bound to a key, or are JWTs."""
    metadata = client.metadata
    is_jwt = metadata.access_token_format is AccessTokenFormat.JWT
    return is_jwt or metadata.is_dpop_bound or metadata.is_certificate_bound


async def sender_of(request: web.Request, client: Authenticated) -> Sender:
    """What a request proves beside its client; refused where its client must prove more."""
    if client.metadata.is_dpop_bound or "DPoP" in request.headers:
        refuse(Fault(ErrorCode.INVALID_DPOP_PROOF, "no DPoP proof is taken"))
    return Sender()
