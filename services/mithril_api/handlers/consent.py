"""/oauth/apps/authorize: a user lets a client act for them (spec §1.3 O3; RFC 7636).

GET says what a page has to ask the user; POST records the answer.
"""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import StringConstraints

from services.mithril_api.actions import authorize_app
from services.mithril_api.actions.authorize_app import ConsentAsked
from services.mithril_api.actions.preview_app import preview_app
from services.mithril_api.domain import redirects
from services.mithril_api.domain.pkce import CHALLENGE_PATTERN
from services.mithril_api.domain.records import rendered
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.callers import consumer_of
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.tokens import NO_STORE
from shared.models.ids import ClientId, UserId
from shared.models.scopes import joined
from shared.runtime.bodies import read_wrapped
from shared.runtime.http import META, note
from shared.wire.casting import Body, Id, LongText, ScopeText, cast
from shared.wire.envelope import Answer, Invalid, validation_failed

Challenge = Annotated[str, StringConstraints(pattern=CHALLENGE_PATTERN)]


class PreviewQuery(Body):
    """What is consented to. `user_id` comes from who is calling, never from the request."""

    user_id: Id
    client_id: Id
    redirect_uri: LongText
    scope: ScopeText = ""

    def asked(self, *, code_challenge: str | None = None) -> ConsentAsked:
        """The same for the actions."""
        return ConsentAsked(
            user_id=UserId(self.user_id),
            client_id=ClientId(self.client_id),
            redirect_uri=self.redirect_uri,
            scope=tuple(self.scope.split()),
            code_challenge=code_challenge,
        )


class ConsentBody(PreviewQuery):
    """The same, and what the code is bound to."""

    state: LongText | None = None
    code_challenge: Challenge | None = None
    code_challenge_method: Literal["S256"] | None = None


async def get_authorize(request: web.Request) -> Answer:
    """What the user would let the client do; refused as the consent itself would be."""
    caller = await consumer_of(request, scope="app:authorize")
    form = cast(PreviewQuery, {**request.query, "user_id": caller.user_id})
    outcome = await preview_app(request.app[DEPS], form.asked())
    note(request, app_client_id=str(form.client_id))
    if isinstance(outcome, Refused):
        refuse(outcome)
    data = {
        "client": {"id": outcome.client_id, "name": outcome.client_name},
        "redirect_uri": outcome.redirect_uri,
        "scope": joined(outcome.scope),
        "granted": joined(outcome.granted),
        "new": joined(outcome.new),
        "trusted": outcome.client_is_trusted,
    }
    return Answer(data=data, headers=NO_STORE)


async def post_authorize(request: web.Request) -> Answer:
    """Record the consent; the `Location` takes a code to the client."""
    caller = await consumer_of(request, scope="app:authorize")
    body = await read_wrapped(request, "app")
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
