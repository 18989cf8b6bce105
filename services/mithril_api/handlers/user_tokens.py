"""Tokens and consents of one user, for operators (spec §1.4)."""

from typing import Literal

from aiohttp import web

from services.mithril_api.actions.delete_apps import delete_apps
from services.mithril_api.actions.delete_tokens import TokensChosen, delete_tokens
from services.mithril_api.actions.issue_access_token import issue_access_token
from services.mithril_api.domain.records import TokenObject, rendered
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.apps import AppObject
from services.mithril_api.handlers.apps import rendered as rendered_app
from services.mithril_api.handlers.declaring import GONE, made, page_of, wrapped
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import cast_query, without_blanks
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import NOTHING, list_answer, paged
from services.mithril_api.handlers.users import user_of_path
from services.mithril_api.store import apps
from shared.models.ids import ClientId
from shared.models.scopes import scope_list
from shared.models.tokens import TokenName
from shared.runtime.bodies import read_wrapped
from shared.wire.casting import Body, Id, ScopeText, Text, cast, parse_uuid
from shared.wire.envelope import Answer, unprocessable
from shared.wire.operations import operation

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class ClientFilter(Body):
    """Of which client; none: of all."""

    client_id: Id | None = None


class TokenFilters(ClientFilter):
    """A token has all of what is given."""

    name: (
        Literal[
            "access_token",
            "refresh_token",
            "authorization_code",
            "2fa_access_token",
            "change_password_token",
        ]
        | None
    ) = None
    value: str | None = None


class AccessBody(Body):
    """For which client, with which scope."""

    client_id: Text
    scope: ScopeText


@operation(GONE, query=TokenFilters)
async def delete_all(request: web.Request) -> Answer:
    """Delete a user's tokens: all, or those that the query chooses."""
    user_id = user_of_path(request)
    form = cast_query(TokenFilters, request)
    chosen = TokensChosen(
        user_id=user_id,
        client_id=None if form.client_id is None else ClientId(form.client_id),
        name=None if form.name is None else TokenName(form.name),
        value=form.value,
    )
    await delete_tokens(request.app[DEPS], chosen)
    return NOTHING


@operation(page_of(AppObject))
async def get_consents(request: web.Request) -> Answer:
    """A page of what a user allows clients, for operators."""
    user_id = user_of_path(request)
    page = paged(request)
    async with request.app[DEPS].db.read() as conn:
        found, total = await apps.page_of_user(
            conn,
            user_id,
            client_ids=[],
            name_prefixes=[],
            number=page.number,
            size=page.size,
        )
    return list_answer([rendered_app(item) for item in found], page, total)


@operation(GONE, query=ClientFilter)
async def delete_consents(request: web.Request) -> Answer:
    """Withdraw a user's consents, and end their tokens: of all clients, or of one."""
    user_id = user_of_path(request)
    form = cast_query(ClientFilter, request)
    client_id = None if form.client_id is None else ClientId(form.client_id)
    await delete_apps(request.app[DEPS], user_id, client_id=client_id)
    return NOTHING


@operation(made(TokenObject), takes=wrapped("token", AccessBody), refuses=(404,))
async def post_access(request: web.Request) -> Answer:
    """Make a sign-in token for a user, who need not be there."""
    user_id = user_of_path(request)
    body = without_blanks(await read_wrapped(request, "token"))
    if not {"client_id", "scope"} <= body.keys():
        raise unprocessable("invalid params")
    form = cast(AccessBody, body)
    outcome = await issue_access_token(
        request.app[DEPS],
        user_id=user_id,
        client_id=ClientId(parse_uuid(form.client_id)),
        scope=tuple(scope_list(form.scope)),
    )
    if isinstance(outcome, Refused):
        refuse(outcome)
    data = rendered(outcome.token, value=outcome.value)
    location = f"/admin/tokens/{outcome.token.id}"
    return Answer(data=data, status=201, headers={**_NO_STORE, "Location": location})
