"""ID tokens: made beside access tokens, and taken as hints of who is meant."""

from aiohttp import web

from services.mithril_api.actions.oauth2 import signing
from services.mithril_api.actions.oauth2.authenticate_client import Admitted
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.oauth2 import hints, openid, scopes
from services.mithril_api.domain.oauth2.faults import Fault
from services.mithril_api.domain.oauth2.hints import Hint
from services.mithril_api.domain.oauth2.openid import SignedIn
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.oauth2.answers import issuer_of
from shared.models.ids import ClientId
from shared.wire import jws


async def beside(
    request: web.Request, who: Admitted, access: Minted, signed_in: SignedIn
) -> dict[str, str]:
    """The ID token of an answer, if that was granted (OIDC Core §3.1.3.3, §12.2)."""
    if scopes.OPENID not in access.token.scope:
        return {}
    deps = request.app[DEPS]
    token = openid.id_token(
        signed_in,
        await signing.signer_of(deps, who.client.metadata.id_token_alg),
        access.token,
        access.value,
        issuer=issuer_of(request, deps.settings.issuer),
        client_id=who.client.client_id,
        now=deps.clock.now(),
    )
    return {"id_token": token}


async def hinted(
    request: web.Request, value: str, *, client_id: ClientId | None
) -> Hint | Fault:
    """What an `id_token_hint` says; a fault unless it is ours, and made for the client."""
    deps = request.app[DEPS]
    shown = jws.read(value)
    if shown is None:
        return hints.UNFIT
    return hints.judge(
        shown,
        await signing.claims_of(deps, shown),
        issuer=issuer_of(request, deps.settings.issuer),
        client_id=client_id,
    )
