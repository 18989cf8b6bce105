"""/api/credentials_recovery_requests: a new password by a link in a mail (spec §8.2)."""

from aiohttp import web

from services.mithril_api.actions.request_recovery import RecoveryAsked, request_recovery
from services.mithril_api.actions.reset_password import reset_password
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.recovery import Return
from services.mithril_api.domain.refusals import Refused, Unfit
from services.mithril_api.handlers.declaring import EmptyObject, wrapped
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.limiting import limit
from services.mithril_api.handlers.parsing import Email
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import UserObject, user_object
from services.mithril_api.handlers.tokens import NO_STORE
from shared.models.ids import ClientId
from shared.runtime.bodies import read_object, read_wrapped
from shared.runtime.http import note
from shared.wire.casting import Body, Id, LongText, Text, cast
from shared.wire.envelope import Answer
from shared.wire.operations import Gives, Takes, operation


class RequestBody(Body):
    """Whose password, and where they were on the way to."""

    email: Email
    client_id: Id | None = None
    redirect_uri: LongText | None = None


class PasswordBody(Body):
    """A new password; its rules are `domain/passwords.py`."""

    password: Text


@operation(
    Gives(data=EmptyObject, status=201),
    takes=Takes(models=(RequestBody,)),
    refuses=(403, 429),
)
async def post_request(request: web.Request) -> Answer:
    """Ask for the link. The same answer, whoever it is asked for."""
    form = cast(RequestBody, await read_object(request))
    await limit(request, Purpose.RECOVERY, user=form.email.lower())
    goal = None
    if form.client_id is not None and form.redirect_uri is not None:
        client_id = ClientId(form.client_id)
        goal = Return(client_id=client_id, redirect_uri=form.redirect_uri)
    asked = RecoveryAsked(email=form.email, goal=goal)
    refused = await request_recovery(request.app[DEPS], asked)
    if refused is not None:
        refuse(refused)
    return Answer(data={}, status=201, headers=NO_STORE)


@operation(
    Gives(data=UserObject),
    takes=wrapped("user", PasswordBody),
    refuses=(401, 403, 404, 429),
)
async def patch_reset_password(request: web.Request) -> Answer:
    """Set a new password by the value of the link."""
    form = cast(PasswordBody, await read_wrapped(request, "user"))
    await limit(request, Purpose.RECOVERY)
    outcome = await reset_password(
        request.app[DEPS], value=request.match_info["value"], password=form.password
    )
    if isinstance(outcome, Refused | Unfit):
        refuse(outcome)
    note(request, user_id=str(outcome.id))
    return Answer(data=user_object(outcome), headers=NO_STORE)
