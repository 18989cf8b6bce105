"""Roles and client types: what each holds, and what a change of it does."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from services.admin_web.domain.scopes import difference, misspelt
from services.admin_web.handlers.asking import (
    ask,
    filters_of,
    get,
    id_of,
    page_number,
    told,
)
from services.admin_web.handlers.changes import (
    Change,
    Done,
    Field,
    Proposal,
    Row,
    Typed,
    filled,
    form_of,
    typed_of,
)
from services.admin_web.handlers.keys import NEIGHBOURS
from services.admin_web.handlers.viewers import Handler
from shared.peers.neighbour import Refused
from shared.runtime.pages import PAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of the two, and how it is called."""

    name: str  # in bodies and scopes
    path: str  # of our pages
    title: str
    edit: str
    says: str
    changed: str

    @property
    def api(self) -> str:
        """Where mithril-api has them."""
        return f"/admin/{self.name}s"


ROLE = Kind(
    name="role",
    path="/roles",
    title="Roles",
    edit="Edit a role",
    says="It counts for everyone who has the role, from their next token or refresh on.",
    changed="The role is changed.",
)
CLIENT_TYPE = Kind(
    name="client_type",
    path="/client-types",
    title="Client types",
    edit="Edit a client type",
    says="It counts for every client of the type, from its next token or refresh on.",
    changed="The client type is changed.",
)
KINDS = (ROLE, CLIENT_TYPE)


def list_page(kind: Kind) -> Handler:
    """GET /roles, GET /client-types."""

    async def get_all(request: web.Request) -> web.StreamResponse:
        filters = filters_of(request, ("name", "scope"))
        query = {**filters, "page": str(page_number(request))}
        mithril = request.app[NEIGHBOURS].mithril
        reply = await ask(request, mithril, "GET", kind.api, query=query)
        return request.app[PAGES].render(
            request,
            "scope_lists.html",
            status=reply.status,
            kind=kind,
            filters=filters,
            wrong=told(reply) if isinstance(reply, Refused) else [],
            limits=[] if isinstance(reply, Refused) else reply.data,
            paging={} if isinstance(reply, Refused) else reply.paging,
        )

    return get_all


def one_page(kind: Kind) -> Handler:
    """GET /roles/{id}, GET /client-types/{id}."""

    async def get_one(request: web.Request) -> web.StreamResponse:
        limit = await _limit(request, kind)
        return request.app[PAGES].render(request, "scope_list.html", kind=kind, limit=limit)

    return get_one


async def _limit(request: web.Request, kind: Kind) -> dict[str, Any]:
    mithril = request.app[NEIGHBOURS].mithril
    path = f"{kind.api}/{id_of(request)}"
    data: dict[str, Any] = (await get(request, mithril, path)).data
    return data


class EditScopeList(Change):
    """Name and scope, with what comes and what goes."""

    is_edited = True

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.scope = f"{kind.name}:write"  # type: ignore[misc]  # one a kind, not a class

    async def propose(self, request: web.Request) -> Proposal:
        """The present values in fields; what would change in rows."""
        typed = typed_of(request)
        limit = await _limit(request, self.kind)
        before = {"name": limit["name"], "scope": limit["scope"]}
        after = before if typed is None else {**before, **_cleaned(typed)}
        changes = difference(before["scope"], after["scope"])
        rows = []
        if before["name"] != after["name"]:
            rows.append(Row(label="Name", before=before["name"], after=after["name"]))
        if changes:
            rows.append(Row(label="Scope", before="", after="", scope=changes))
        return Proposal(
            title=self.kind.edit,
            subject=limit["name"],
            says=[self.kind.says],
            fields=_fields(after),
            rows=rows,
            wrong=_wrong(after),
            button="Save the changes",
            back=self._here(request),
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """PATCH it."""
        typed = form_of(request)
        mithril = request.app[NEIGHBOURS].mithril
        path = f"{self.kind.api}/{id_of(request)}"
        body = {self.kind.name: _cleaned(typed)}
        reply = await ask(request, mithril, "PATCH", path, body=body)
        if isinstance(reply, Refused):
            return reply
        return Done(location=self._here(request), message=self.kind.changed)

    def _here(self, request: web.Request) -> str:
        return f"{self.kind.path}/{id_of(request)}"


def _cleaned(typed: Typed) -> dict[str, str]:
    return {n: " ".join(typed[n].split()) for n in ("name", "scope") if n in typed}


def _fields(after: Typed) -> list[Field]:
    name = Field(name="name", label="Name")
    scope = Field(
        name="scope", label="Scope", kind="area", most=20_000, hint="Separate by spaces."
    )
    by_line = {**after, "scope": "\n".join(after["scope"].split())}
    return [filled(name, after), filled(scope, by_line)]


def _wrong(after: Typed) -> list[str]:
    wrong = []
    if not after["name"]:
        wrong.append("A name is needed.")
    if not after["scope"]:
        wrong.append("A scope is needed.")
    if misspelt(after["scope"]):
        wrong.append("The scope has characters that no scope has.")
    return wrong
