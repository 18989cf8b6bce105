"""/admin/users/{id}/actions: change a password, block, unblock (spec §1.4)."""

from aiohttp import web

from services.mithril_api.actions.block_user import block_user
from services.mithril_api.actions.change_password import change_password
from services.mithril_api.actions.unblock_user import unblock_user
from services.mithril_api.domain import passwords
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.declaring import wrapped
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.parsing import cast_beside, without_blanks
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import UserObject, user_object
from services.mithril_api.handlers.users import user_of_path
from services.mithril_api.store.users import User
from shared.runtime.bodies import read_object, read_wrapped
from shared.wire.casting import Body, Text, cast
from shared.wire.envelope import Answer, malformed, validation_failed
from shared.wire.operations import Gives, Takes, operation


class PasswordBody(Body):
    """A new password is told to be missing in words of its own."""

    current_password: Text
    password: Text | None = None


class ReasonBody(Body):
    """Why, if that is said."""

    block_reason: Text | None = None


_REASON = Takes(models=(ReasonBody,), wrapper="user", required=False)


@operation(Gives(data=UserObject), takes=wrapped("user", PasswordBody), refuses=(404,))
async def patch_change_password(request: web.Request) -> Answer:
    """Set a new password by the present one."""
    user_id = user_of_path(request)
    body = without_blanks(await read_wrapped(request, "user"))
    missing = [] if "password" in body else [passwords.unchanged()]
    form = cast_beside(PasswordBody, body, missing)
    if form.password is None or form.password == form.current_password:
        raise validation_failed([passwords.unchanged()])
    outcome = await change_password(
        request.app[DEPS],
        user_id,
        current=form.current_password,
        password=form.password,
    )
    if not isinstance(outcome, User):
        refuse(outcome)
    return Answer(data=user_object(outcome))


@operation(Gives(data=UserObject), takes=_REASON, refuses=(404, 409))
async def patch_block(request: web.Request) -> Answer:
    """Block an account; every token it has is revoked."""
    user_id, reason = user_of_path(request), await _reason(request)
    outcome = await block_user(request.app[DEPS], user_id, reason)
    if isinstance(outcome, Refused):
        refuse(outcome)
    return Answer(data=user_object(outcome))


@operation(Gives(data=UserObject), takes=_REASON, refuses=(404, 409))
async def patch_unblock(request: web.Request) -> Answer:
    """Let an account be used again."""
    user_id, reason = user_of_path(request), await _reason(request)
    outcome = await unblock_user(request.app[DEPS], user_id, reason)
    if isinstance(outcome, Refused):
        refuse(outcome)
    return Answer(data=user_object(outcome))


async def _reason(request: web.Request) -> str | None:
    if not await request.read():
        return None
    user = (await read_object(request)).get("user")
    if user is None:
        return None
    if not isinstance(user, dict):
        raise malformed()
    return cast(ReasonBody, user).block_reason
