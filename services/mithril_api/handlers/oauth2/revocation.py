"""POST /oauth2/revoke (RFC 7009)."""

from aiohttp import web

from services.mithril_api.actions.oauth2.revoke_token import revoke_token
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.oauth2.faults import Fault
from services.mithril_api.domain.oauth2.parameters import Parameters
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.oauth2.answers import NO_STORE, refuse
from services.mithril_api.handlers.oauth2.callers import admitted, quota_headers
from services.mithril_api.handlers.oauth2.declaring import CLIENT, RevocationForm, form
from services.mithril_api.handlers.oauth2.forms import read_form, required
from shared.models.tokens import TokenName
from shared.wire.operations import Gives, operation

_HINTS = {"access_token": TokenName.ACCESS, "refresh_token": TokenName.REFRESH}


@operation(
    Gives(says="It is ended, or never was."),
    takes=form(RevocationForm),
    needs=CLIENT,
    refuses=(401, 429),
)
async def post_revoke(request: web.Request) -> web.StreamResponse:
    """End a token of the client that asks. One that is unknown is as good as ended (§2.2)."""
    form = await read_form(request)
    who = await admitted(request, form, purpose=Purpose.TOKEN)
    value = required(form, "token")
    outcome = await revoke_token(
        request.app[DEPS], value, client_id=who.client.client_id, preferred=hinted(form)
    )
    if isinstance(outcome, Fault):
        refuse(outcome)
    return web.Response(status=200, headers={**NO_STORE, **quota_headers(request, who)})


def hinted(form: Parameters) -> TokenName:
    """What kind of token the client says it is; a hint that is unknown is none (§2.1)."""
    return _HINTS.get(form.get("token_type_hint") or "", TokenName.ACCESS)
