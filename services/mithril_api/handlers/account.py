"""What a user may see and do of their own account (spec §1.3 O7; docs §6 `GET /oauth/user`)."""

from aiohttp import web

from services.mithril_api.actions import update_password
from services.mithril_api.domain.refusals import Reason, Refused, Unfit
from services.mithril_api.handlers.callers import (
    consumer_of,
    is_platform,
    required_bearer,
)
from services.mithril_api.handlers.declaring import CONSUMER_HEADER, STEP, consumer, wrapped
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import UserObject, user_object
from services.mithril_api.handlers.tokens import NO_STORE
from services.mithril_api.store import users
from shared.models.ids import UserId
from shared.runtime.bearer import shown_by
from shared.runtime.bodies import read_wrapped
from shared.runtime.http import note
from shared.runtime.platform import MISSING_BEARER
from shared.wire.casting import Body, Text, cast, parse_uuid
from shared.wire.envelope import Answer, access_denied
from shared.wire.operations import Gives, operation


class PasswordBody(Body):
    """A new password; its rules are `domain/passwords.py`."""

    password: Text


@operation(
    Gives(data=UserObject),
    needs=consumer("user:read"),
    headers=CONSUMER_HEADER,
    refuses=(401, 403, 404),
)
async def get_user(request: web.Request) -> Answer:
    """The calling user."""
    if shown_by(request) is None and not is_platform(request):
        raise access_denied(MISSING_BEARER)
    caller = await consumer_of(request, scope="user:read")
    user_id = UserId(parse_uuid(caller.user_id))
    async with request.app[DEPS].db.read() as conn:
        user = await users.by_id(conn, user_id)
    if user is None:
        refuse(Refused(Reason.NOT_FOUND))
    return Answer(data=user_object(user), headers=NO_STORE)


@operation(
    Gives(data=UserObject), takes=wrapped("user", PasswordBody), needs=STEP, refuses=(401,)
)
async def post_update_password(request: web.Request) -> Answer:
    """Set a new password with the change_password_token that is the bearer."""
    bearer = required_bearer(request)
    form = cast(PasswordBody, await read_wrapped(request, "user"))
    outcome = await update_password.update_password(
        request.app[DEPS], bearer=bearer, password=form.password
    )
    if isinstance(outcome, Refused | Unfit):
        refuse(outcome)
    note(request, user_id=str(outcome.id))
    return Answer(data=user_object(outcome), headers=NO_STORE)
