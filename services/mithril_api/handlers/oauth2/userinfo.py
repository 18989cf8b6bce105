"""/oauth2/userinfo: what a client may know of its user (OpenID Connect Core §5.3)."""

from aiohttp import web
from pydantic import ConfigDict
from typing_extensions import TypedDict

from services.mithril_api.actions.oauth2.find_person import find_person
from services.mithril_api.domain.bearers import is_of_a_user
from services.mithril_api.domain.oauth2 import openid, scopes
from services.mithril_api.domain.oauth2.parameters import FORM
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.oauth2 import resources
from services.mithril_api.handlers.oauth2.answers import json_answer
from services.mithril_api.handlers.oauth2.declaring import TokenShown, plain
from shared.wire.operations import Needs, Takes, operation

_TOKEN = (Needs(scheme="accessToken", scopes=(scopes.OPENID,)),)


class UserinfoObject(TypedDict):
    """Claims of a user: those that the scope gives."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's own

    sub: str


@operation(plain(UserinfoObject), needs=_TOKEN, refuses=(401, 403))
async def get_userinfo(request: web.Request) -> web.StreamResponse:
    """The claims that the token's scope gives."""
    token = await resources.admitted(request, scope=scopes.OPENID)
    person = await find_person(request.app[DEPS], token.user_id)
    if person is None or not is_of_a_user(token):  # deleted a moment ago, or a client's own
        resources.refuse_token()
    return json_answer(openid.userinfo(person, token.scope))


@operation(
    plain(UserinfoObject),
    takes=Takes(models=(TokenShown,), media=FORM, required=False),
    needs=(*_TOKEN, Needs(scheme="")),
    refuses=(401, 403),
)
async def post_userinfo(request: web.Request) -> web.StreamResponse:
    """The same, with the token in a form, if need be (RFC 6750 §2.2)."""
    return await get_userinfo(request)
