"""/oauth2/logout: a client sends its user to sign out (OpenID Connect RP-Initiated Logout 1.0).

Who is signed in, the sign-in pages know: they ask the user, end the session, and then ask
here where the browser may go.
"""

from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web

from services.mithril_api.actions.oauth2 import begin_authorization
from services.mithril_api.domain import redirects
from services.mithril_api.domain.oauth2.faults import Fault, invalid_request
from services.mithril_api.domain.oauth2.parameters import Parameters
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.handlers.declaring import RedirectObject
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.oauth2 import id_tokens
from services.mithril_api.handlers.oauth2.answers import OAuthError, refuse
from services.mithril_api.handlers.oauth2.authorize import error_page, see_other
from services.mithril_api.handlers.oauth2.declaring import (
    ERROR_PAGE,
    ONWARD,
    LogoutForm,
    form,
)
from services.mithril_api.handlers.oauth2.forms import read_form, read_query
from services.mithril_api.handlers.problems import refuse as refuse_in_envelope
from services.mithril_api.handlers.tokens import NO_STORE
from shared.models.ids import ClientId
from shared.runtime.bodies import read_object
from shared.runtime.http import note
from shared.wire.casting import Body, Id, LongText, cast, is_uuid
from shared.wire.envelope import Answer
from shared.wire.operations import Gives, Takes, operation


class Finished(Body):
    """Where a client wants its user to come back to, once signed out."""

    client_id: Id
    post_logout_redirect_uri: LongText
    state: LongText | None = None


@operation(ONWARD, ERROR_PAGE, query=LogoutForm)
async def get_logout(request: web.Request) -> web.StreamResponse:
    """A browser comes with the wish in its query."""
    try:
        return await _logout(request, read_query(request))
    except OAuthError as error:
        return error_page(request, error)


@operation(ONWARD, ERROR_PAGE, takes=form(LogoutForm))
async def post_logout(request: web.Request) -> web.StreamResponse:
    """The same in a form."""
    try:
        return await _logout(request, await read_form(request))
    except OAuthError as error:
        return error_page(request, error)


@operation(
    Gives(data=RedirectObject, headers=("Location",)),
    takes=Takes(models=(Finished,)),
    refuses=(404,),
)
async def post_finished(request: web.Request) -> Answer:
    """For the sign-in pages: where the browser goes now, if that is registered."""
    form = cast(Finished, await read_object(request))
    client_id, uri = ClientId(form.client_id), form.post_logout_redirect_uri
    if isinstance(await _unfit(request, client_id, uri), Fault):
        refuse_in_envelope(Refused(Reason.AUTHORIZATION_REQUEST_UNKNOWN))
    location = redirects.with_parameters(uri, state=form.state)
    return Answer(
        data={"redirect_uri": location}, headers={**NO_STORE, "Location": location}
    )


async def _logout(request: web.Request, asked: Parameters) -> web.StreamResponse:
    uri = asked.get("post_logout_redirect_uri")
    page = request.app[DEPS].settings.auth_web_url.rstrip("/") + "/sign-out"
    client_id = await _client_of(request, asked)
    if uri is None:
        return see_other(page)
    if client_id is None:
        refuse(invalid_request("neither `client_id` nor `id_token_hint` says who asks"))
    if (fault := await _unfit(request, client_id, uri)) is not None:
        refuse(fault)
    note(request, client_id=str(client_id))
    query = {
        "client_id": str(client_id),
        "post_logout_redirect_uri": uri,
        "state": asked.get("state"),
    }
    given = {name: value for name, value in query.items() if value is not None}
    return see_other(f"{page}?{urlencode(given)}")


async def _client_of(request: web.Request, asked: Parameters) -> ClientId | None:
    """Who asks: by name, or by an ID token that it got, and in one way at that."""
    stated, shown = asked.get("client_id"), asked.get("id_token_hint")
    if stated is not None and not is_uuid(stated):
        refuse(invalid_request("the client is unknown"))
    client_id = None if stated is None else ClientId(UUID(stated))
    if shown is None:
        return client_id
    hint = await id_tokens.hinted(request, shown, client_id=client_id)
    if isinstance(hint, Fault):
        refuse(hint)
    return hint.client_id


async def _unfit(request: web.Request, client_id: ClientId, uri: str) -> Fault | None:
    client = await begin_authorization.client_of(request.app[DEPS], client_id)
    if client is None or not redirects.is_registered(
        uri, client.metadata.post_logout_redirect_uris
    ):
        return invalid_request(
            "`post_logout_redirect_uri` is not registered for the client"
        )
    return None
