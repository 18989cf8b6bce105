"""What a request is about: its flow, verified with mithril-api before anything is shown."""

from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from aiohttp import web

from services.auth_web.domain.flows import (
    Fault,
    Flow,
    OwnPage,
    ToClient,
    ToDevice,
    ToOwnPage,
    parse,
)
from services.auth_web.domain.refusal_words import Said, Trouble, is_over, trouble_of
from services.auth_web.handlers.browsers import keep, texts_of
from services.auth_web.handlers.keys import DEPS
from shared.peers.sign_in_answers import ClientSummary, Refusal, SignInUnavailableError
from shared.runtime.pages import PAGES, SESSION, PageError, see_other

NONE_OF_OURS = ToOwnPage(page=OwnPage.ACCOUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A verified flow. `client` is none where it leads to a page of ours."""

    flow: Flow
    client: ClientSummary | None = None

    @property
    def query(self) -> str:
        """The flow as a query, for the pages that follow."""
        return self.flow.query()


def flow_of(request: web.Request) -> Flow:
    """The flow of the query, not verified; a page that says what is wrong with it."""
    found = parse(_pairs(request))
    if isinstance(found, Fault):
        raise PageError(400, found.value)
    return found


def flow_or_own(request: web.Request) -> Flow:
    """The same, where a page may be opened without any flow."""
    pairs = [pair for pair in _pairs(request) if pair[0] != "lang"]
    return flow_of(request) if pairs else NONE_OF_OURS


def _pairs(request: web.Request) -> list[tuple[str, str]]:
    """The query, decoded once; bytes that are no UTF-8 are no query of ours."""
    try:
        return parse_qsl(
            request.rel_url.raw_query_string,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=50,
        )
    except ValueError:
        raise PageError(400) from None


async def verified(request: web.Request, flow: Flow) -> Visit:
    """The flow, its client and redirect URI matched by mithril-api; else an error page."""
    if isinstance(flow, ToOwnPage | ToDevice):
        return Visit(flow=flow)
    try:
        client = await request.app[DEPS].api.client(flow.client_id, flow.redirect_uri)
    except SignInUnavailableError:
        raise away() from None
    if client is None:
        raise PageError(400, Fault.WRONG_CLIENT.value)
    if not client.redirect_matches:
        raise PageError(400, Fault.WRONG_REDIRECT.value)
    if client.is_blocked:
        raise PageError(403, Fault.CLIENT_BLOCKED.value)
    return Visit(flow=flow, client=client)


def away() -> PageError:
    """mithril-api is away: 503, with when to try again."""
    return PageError(503, headers={"Retry-After": "5"})


def show(
    request: web.Request,
    visit: Visit,
    template: str,
    *,
    trouble: Trouble | None = None,
    leads_to: tuple[str, ...] | None = None,
    **context: Any,
) -> web.Response:
    """A page of a flow; its status and headers are those of what went wrong.

    `leads_to` says where its forms may end, if not where those of the flow may.
    """
    status = 200 if trouble is None else trouble.status
    wait = None if trouble is None else trouble.retry_after
    return request.app[PAGES].render(
        request,
        template,
        status=status,
        headers={} if wait is None else {"Retry-After": str(wait)},
        leads_to=visit.flow.sources() if leads_to is None else leads_to,
        trouble=trouble,
        query=visit.query,
        **context,
    )


def go(path: str, flow: Flow) -> web.Response:
    """On to another page of the same flow."""
    return see_other(f"{path}?{flow.query()}")


def said_of(refusal: Refusal) -> Said:
    """A refusal, for its words."""
    return Said(
        status=refusal.status,
        kind=refusal.kind,
        message=refusal.message,
        fields=[(item.name, item.rule, item.description) for item in refusal.fields],
        retry_after=refusal.retry_after,
    )


def in_words(request: web.Request, refusal: Refusal) -> Trouble:
    """A refusal as a page says it."""
    return trouble_of(said_of(refusal), texts_of(request))


async def turn_back(request: web.Request, flow: ToClient, error: str) -> web.Response:
    """To the client, with why its request was not granted; the request is over."""
    try:
        location = await request.app[DEPS].api.refuse_request(
            client_id=flow.client_id, request_uri=flow.request_uri or "", error=error
        )
    except SignInUnavailableError:
        raise away() from None
    if isinstance(location, Refusal):
        refuse(request, location)
    return see_other(location)


def ends_session(refusal: Refusal) -> bool:
    """Whether the token that was used is no good any more."""
    return is_over(said_of(refusal))


def sign_in_again(request: web.Request, flow: Flow) -> web.Response:
    """The session is over: back to the start of the flow, with a word about it."""
    session = request[SESSION]
    keep(request, pending=None, signed_in=None, changing=None)
    session.flash("refused.session_over", kind="warning")
    return go("/sign-in", flow)


def refuse(request: web.Request, refusal: Refusal, *, link: str | None = None) -> NoReturn:
    """A page that says a refusal, where there is no form to say it at."""
    trouble = in_words(request, refusal)
    status = 404 if refusal.status == 404 else trouble.status
    headers = (
        {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    )
    raise PageError(
        403 if status == 422 else status,
        "too_many" if status == 429 else "refused",
        headers=headers,
        said=trouble.text,
        link=link,
    )
