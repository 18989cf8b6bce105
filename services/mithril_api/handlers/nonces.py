"""GET and POST /oauth/nonce: what a sign-in by digital signature signs (spec O4, docs §4.3)."""

from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints
from typing_extensions import TypedDict

from services.mithril_api.actions.issue_nonce import NonceAsked, issue_nonce
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.refusals import Refused, Unfit
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.limiting import limit
from services.mithril_api.handlers.parsing import cast_query
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.tokens import NO_STORE
from shared.models.ids import ClientId
from shared.runtime.bodies import read_object
from shared.runtime.http import note
from shared.wire.casting import Body, Id, cast
from shared.wire.envelope import Answer
from shared.wire.operations import Gives, Takes, operation

Secret = Annotated[str, StringConstraints(max_length=512)]


class NonceQuery(Body):
    """Which client asks. A secret is not taken from an address: those are written down."""

    client_id: Id


class NonceBody(NonceQuery):
    """The same, and what a client of type TRUSTED_PIS proves itself by."""

    client_secret: Secret | None = None


class NonceObject(TypedDict):
    """A JWT that is good for one sign-in."""

    token: str


@operation(Gives(data=NonceObject), query=NonceQuery, refuses=(401, 404, 429))
async def get_nonce(request: web.Request) -> Answer:
    """A nonce for the client of the query."""
    form = cast_query(NonceQuery, request)
    return await _answer(request, NonceAsked(client_id=ClientId(form.client_id)))


@operation(
    Gives(data=NonceObject), takes=Takes(models=(NonceBody,)), refuses=(401, 404, 429)
)
async def post_nonce(request: web.Request) -> Answer:
    """A nonce for the client of the body."""
    form = cast(NonceBody, await read_object(request))
    asked = NonceAsked(client_id=ClientId(form.client_id), client_secret=form.client_secret)
    return await _answer(request, asked)


async def _answer(request: web.Request, asked: NonceAsked) -> Answer:
    await limit(request, Purpose.NONCE, client=str(asked.client_id))
    outcome = await issue_nonce(request.app[DEPS], asked)
    note(request, client_id=str(asked.client_id))
    if isinstance(outcome, Refused | Unfit):
        refuse(outcome)
    return Answer(data={"token": outcome}, headers=NO_STORE)
