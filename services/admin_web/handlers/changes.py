"""Changes: each is shown first, confirmed by a form of our own, done, and then looked at.

A change whose fields are edited has one step more: what would become of what is shown.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeAlias

from aiohttp import web

from services.admin_web.domain.scopes import Difference
from services.admin_web.handlers.asking import told
from services.admin_web.handlers.keys import VIEWER
from services.admin_web.handlers.viewers import page
from shared.peers.neighbour import Refused
from shared.runtime.pages import PAGES, SESSION, StaleFormError, read_form, see_other

Typed: TypeAlias = Mapping[str, str]
_TYPED: web.RequestKey[Typed] = web.RequestKey("typed", dict)


def typed_of(request: web.Request) -> Typed | None:
    """What the form of this request says; none where there is no form."""
    typed: Typed | None = request.get(_TYPED)
    return typed


def form_of(request: web.Request) -> Typed:
    """The same where nothing said is as good as no form."""
    return typed_of(request) or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Something to be typed or chosen. Labels and hints are texts of the catalogue."""

    name: str
    label: str
    kind: str = "text"  # text, area, select
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    hint: str | None = None
    required: bool = True
    most: int = 255


def filled(item: Field, typed: Typed | None) -> Field:
    """The field with what was typed into it."""
    return item if typed is None else replace(item, value=typed.get(item.name, item.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What becomes of one field; of a scope, which items come and go."""

    label: str
    before: str
    after: str
    scope: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the page says of a change before it is made."""

    title: str
    subject: str  # the name of what is changed, as it is
    says: Sequence[str]  # what will come of it, in plain words
    button: str
    back: str
    fields: Sequence[Field] = ()
    rows: Sequence[Row] = ()
    danger: bool = False
    wrong: Sequence[str] = ()  # what is unfit in what was typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It is done. `shown_once` is a secret for the next page alone."""

    location: str
    message: str
    shown_once: Mapping[str, Any] | None = field(default=None, repr=False)


class Change(ABC):
    """One kind of change: who may, what it would do, and doing it."""

    scope: ClassVar[str]
    is_edited: ClassVar[bool] = False  # whether there is a step that shows before and after

    @abstractmethod
    async def propose(self, request: web.Request) -> Proposal:
        """What would become of it; with what was typed (`typed_of`), if anything was."""

    @abstractmethod
    async def make(self, request: web.Request) -> Done | Refused:
        """Do it."""


def add_change(app: web.Application, path: str, change: Change) -> None:
    """The page of a change, and where its form goes."""

    async def get_change(request: web.Request) -> web.StreamResponse:
        proposal = await change.propose(request)
        return _show(request, proposal, step="edit" if change.is_edited else "confirm")

    async def post_change(request: web.Request) -> web.StreamResponse:
        try:
            typed = await read_form(request)
        except StaleFormError as error:
            request[_TYPED] = error.typed
            return await _again(request, change)
        request[_TYPED] = typed
        proposal = await change.propose(request)
        if proposal.wrong:
            return _refused(request, change, proposal, status=422)
        if change.is_edited and typed.get("confirmed") != "yes":
            if not proposal.rows:
                unchanged = replace(proposal, wrong=["Nothing would change."])
                return _refused(request, change, unchanged, status=422)
            return _show(request, proposal, step="confirm")
        outcome = await change.make(request)
        if isinstance(outcome, Refused):
            refused = replace(proposal, wrong=told(outcome))
            return _refused(request, change, refused, status=outcome.status)
        session = request[SESSION]
        session.flash(outcome.message)
        if outcome.shown_once is not None:
            session.put(once={**outcome.shown_once, **_place(request, outcome.location)})
        return see_other(outcome.location)

    app.router.add_get(path, page(get_change, scope=change.scope))
    app.router.add_post(path, page(post_change, scope=change.scope))


def shown_once(request: web.Request) -> Mapping[str, Any] | None:
    """The secret that waits for this page and this viewer, if any; it waits no longer."""
    session = request[SESSION]
    waiting: Mapping[str, Any] | None = session.get("once")
    if waiting is None:
        return None
    session.put(once=None)
    mine = _place(request, request.path).items() <= waiting.items()
    return waiting if mine else None


def _place(request: web.Request, location: str) -> dict[str, str]:
    return {"user_id": str(request[VIEWER].token.user_id), "path": location}


async def _again(request: web.Request, change: Change) -> web.StreamResponse:
    """The form of a session that is over, with what was typed, to be looked at once more."""
    proposal = await change.propose(request)
    stale = "This page was open for too long. Look at it once more, and confirm."
    return _refused(request, change, replace(proposal, wrong=[stale]), status=403)


def _refused(
    request: web.Request, change: Change, proposal: Proposal, *, status: int
) -> web.Response:
    step = "edit" if change.is_edited else "confirm"
    return _show(request, proposal, step=step, status=status)


def _show(
    request: web.Request, proposal: Proposal, *, step: str, status: int = 200
) -> web.Response:
    return request.app[PAGES].render(
        request, "change.html", status=status, proposal=proposal, step=step
    )
