"""/oauth/apps/authorize: a user lets a client act for them (spec §1.3 O3; RFC 7636).

GET says what a page has to ask the user; POST records the answer.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

from aiohttp import web
from pydantic import StringConstraints
from typing_extensions import TypedDict

from services.mithril_api.actions import authorize_app
from services.mithril_api.actions.authorize_app import ConsentAsked
from services.mithril_api.actions.oauth2 import answer_request
from services.mithril_api.actions.oauth2.answer_request import AnswerAsked
from services.mithril_api.actions.preview_app import Preview, preview_app
from services.mithril_api.domain import redirects
from services.mithril_api.domain.pkce import CHALLENGE_PATTERN
from services.mithril_api.domain.records import TokenObject, rendered
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.callers import Caller, consumer_of
from services.mithril_api.handlers.declaring import (
    CONSUMER_HEADER,
    RedirectObject,
    consumer,
    wrapped,
)
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.tokens import NO_STORE
from shared.models.ids import ClientId, UserId
from shared.models.scopes import joined
from shared.runtime.bodies import read_wrapped
from shared.runtime.http import META, note
from shared.wire.casting import Body, Id, LongText, ScopeText, cast
from shared.wire.envelope import Answer, Invalid, validation_failed
from shared.wire.operations import Gives, operation

Challenge = Annotated[str, StringConstraints(pattern=CHALLENGE_PATTERN)]


class _Whose(Body):
    """Who is calling says that, never the request."""

    user_id: Id


class Wanted(Body):
    """What is consented to."""

    client_id: Id
    redirect_uri: LongText
    scope: ScopeText = ""


class PreviewQuery(Wanted, _Whose):
    """The same, and by whom."""

    def asked(self, *, code_challenge: str | None = None) -> ConsentAsked:
        """The same for the actions."""
        return ConsentAsked(
            user_id=UserId(self.user_id),
            client_id=ClientId(self.client_id),
            redirect_uri=self.redirect_uri,
            scope=tuple(self.scope.split()),
            code_challenge=code_challenge,
        )


class ConsentWanted(Wanted):
    """The same, and what the code is bound to."""

    state: LongText | None = None
    code_challenge: Challenge | None = None
    code_challenge_method: Literal["S256"] | None = None


class ConsentBody(ConsentWanted, PreviewQuery):
    """The same of a user."""


class RequestWanted(Body):
    """The answer to a request that is kept: all else is in it."""

    client_id: Id
    request_uri: LongText


class RequestBody(RequestWanted, _Whose):
    """The same of a user."""


class PreviewFilters(Body):
    """Either a request that is kept, or what a consent would say."""

    client_id: Id
    request_uri: LongText | None = None
    redirect_uri: LongText | None = None
    scope: ScopeText = ""


class NamedClient(TypedDict):
    """Who asks."""

    id: UUID
    name: str


class PreviewObject(TypedDict):
    """What the user would let the client do."""

    client: NamedClient
    redirect_uri: str
    scope: str
    granted: str
    new: str
    trusted: bool
    ask: NotRequired[bool]  # of a request that is kept


@operation(
    Gives(data=PreviewObject),
    query=PreviewFilters,
    needs=consumer("app:authorize"),
    headers=CONSUMER_HEADER,
    refuses=(401, 403, 404),
)
async def get_authorize(request: web.Request) -> Answer:
    """What the user would let the client do; refused as the consent itself would be."""
    caller = await consumer_of(request, scope="app:authorize")
    if "request_uri" in request.query:
        return await _show(request, caller)
    form = cast(PreviewQuery, {**request.query, "user_id": caller.user_id})
    outcome = await preview_app(request.app[DEPS], form.asked())
    note(request, app_client_id=str(form.client_id))
    if isinstance(outcome, Refused):
        refuse(outcome)
    return Answer(data=_preview(outcome), headers=NO_STORE)


def _preview(found: Preview) -> PreviewObject:
    return {
        "client": {"id": found.client_id, "name": found.client_name},
        "redirect_uri": found.redirect_uri,
        "scope": joined(found.scope),
        "granted": joined(found.granted),
        "new": joined(found.new),
        "trusted": found.client_is_trusted,
    }


async def _show(request: web.Request, caller: Caller) -> Answer:
    """The same of a request that is kept (`/oauth2/authorize`)."""
    asked = _answer_to(request, caller, request.query)
    outcome = await answer_request.show(request.app[DEPS], asked)
    if isinstance(outcome, Refused):
        refuse(outcome)
    data = {**_preview(outcome.preview), "ask": outcome.must_ask}
    return Answer(data=data, headers=NO_STORE)


async def _grant(request: web.Request, caller: Caller, body: Mapping[str, Any]) -> Answer:
    """Grant it: where to take the code, with `state` and `iss`."""
    asked = _answer_to(request, caller, body)
    outcome = await answer_request.grant(request.app[DEPS], asked)
    result = outcome.reason.name.lower() if isinstance(outcome, Refused) else "issued"
    request.app[METRICS].grants.labels("consent", result).inc()
    note(request, outcome=result)
    if isinstance(outcome, Refused):
        refuse(outcome)
    location = outcome.request.location(code=outcome.code.value)
    return Answer(
        data=rendered(outcome.code.token, value=outcome.code.value),
        status=201,
        urgent={"redirect_uri": location},
        headers={**NO_STORE, "Location": location},
    )


def _answer_to(
    request: web.Request, caller: Caller, given: Mapping[str, Any]
) -> AnswerAsked:
    form = cast(RequestBody, {**given, "user_id": caller.user_id})
    note(request, app_client_id=str(form.client_id))
    return AnswerAsked(
        user_id=UserId(form.user_id),
        client_id=ClientId(form.client_id),
        request_uri=form.request_uri,
        session=caller.token,
    )


@operation(
    Gives(data=TokenObject, urgent=RedirectObject, status=201, headers=("Location",)),
    takes=wrapped("app", ConsentWanted, RequestWanted),
    needs=consumer("app:authorize"),
    headers=CONSUMER_HEADER,
    refuses=(401, 403, 404),
)
async def post_authorize(request: web.Request) -> Answer:
    """Record the consent; the `Location` takes a code to the client."""
    caller = await consumer_of(request, scope="app:authorize")
    body = await read_wrapped(request, "app")
    if body.get("request_uri"):
        return await _grant(request, caller, body)
    form = cast(ConsentBody, {**body, "user_id": caller.user_id})
    _require_method(form)
    asked = form.asked(code_challenge=form.code_challenge)
    outcome = await authorize_app.authorize(request.app[DEPS], asked)
    result = outcome.reason.name.lower() if isinstance(outcome, Refused) else "issued"
    request.app[METRICS].grants.labels("consent", result).inc()
    note(request, app_client_id=str(asked.client_id), outcome=result)
    if isinstance(outcome, Refused):
        refuse(outcome)
    # Whoever sends no `state` gets the original's `Location` to the letter; who does knows
    # the standards, and checks who answered (RFC 9207).
    location = redirects.with_parameters(
        form.redirect_uri,
        code=outcome.value,
        state=form.state,
        iss=None if form.state is None else _issuer(request),
    )
    return Answer(
        data=rendered(outcome.token, value=outcome.value),
        status=201,
        urgent={"redirect_uri": location},
        headers={**NO_STORE, "Location": location},
    )


def _issuer(request: web.Request) -> str:
    configured = request.app[DEPS].settings.issuer
    return configured or request[META].url.removesuffix(request.path)


def _require_method(form: ConsentBody) -> None:
    """A challenge and its method come together: left out, the method would be `plain`."""
    if (form.code_challenge is None) is (form.code_challenge_method is None):
        return
    missing = "code_challenge" if form.code_challenge is None else "code_challenge_method"
    blank = Invalid(entry=f"$.{missing}", rule="required", description="can't be blank")
    raise validation_failed([blank])
