"""Connections: open one, move its redirect URI, rotate its secret, delete it."""

from typing import Any

from aiohttp import web

from services.admin_web.handlers.asking import ask, get, id_of
from services.admin_web.handlers.changes import (
    Change,
    Done,
    Field,
    Proposal,
    Row,
    filled,
    form_of,
    typed_of,
)
from services.admin_web.handlers.client_changes import client_of
from services.admin_web.handlers.clients import connection_path
from services.admin_web.handlers.keys import NEIGHBOURS
from shared.peers.neighbour import Answered, Refused

_REDIRECT = Field(
    name="redirect_uri",
    label="Redirect URI",
    hint="Where users come back to after signing in; compared letter by letter.",
    most=2048,
)
_SHOWN_ONCE = "The secret is shown once, on the next page: have a safe place ready."


async def _connection(request: web.Request) -> dict[str, Any]:
    mithril = request.app[NEIGHBOURS].mithril
    data: dict[str, Any] = (await get(request, mithril, connection_path(request))).data
    return data


def _of_client(request: web.Request) -> str:
    return f"/clients/{id_of(request)}"


def _here(request: web.Request) -> str:
    return f"{_of_client(request)}/connections/{id_of(request, 'connection_id')}"


async def _put(request: web.Request, body: dict[str, str], message: str) -> Done | Refused:
    """The upsert, which answers with a fresh secret."""
    mithril = request.app[NEIGHBOURS].mithril
    path = f"/admin/clients/{id_of(request)}/connections"
    return _done(request, await ask(request, mithril, "PUT", path, body=body), message)


def _done(request: web.Request, reply: Answered | Refused, message: str) -> Done | Refused:
    if isinstance(reply, Refused):
        return reply
    location = f"{_of_client(request)}/connections/{reply.data['id']}"
    once = {"secret": reply.data["secret"]}
    return Done(location=location, message=message, shown_once=once)


class OpenConnection(Change):
    """A consumer gets credentials for a client."""

    scope = "client:write"
    is_edited = True

    async def propose(self, request: web.Request) -> Proposal:
        """Ask for the consumer and where its users come back to."""
        typed = typed_of(request)
        client = await client_of(request)
        consumer = Field(
            name="consumer_id",
            label="Id of the consumer",
            value=client["id"],
            hint="The client that uses the connection: a MIS, or this client itself.",
        )
        fields = [filled(consumer, typed), filled(_REDIRECT, typed)]
        given = [] if typed is None else fields
        return Proposal(
            title="Open a connection",
            subject=client["name"],
            says=[
                _SHOWN_ONCE,
                "If the consumer has a connection already, it gets a new secret.",
            ],
            fields=fields,
            rows=[Row(label=f.label, before="", after=f.value.strip()) for f in given],
            button="Open the connection",
            back=_of_client(request),
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """PUT …/connections."""
        typed = form_of(request)
        names = ("consumer_id", "redirect_uri")
        body = {name: typed.get(name, "").strip() for name in names}
        return await _put(request, body, "The connection is open.")


class MoveConnection(Change):
    """Change the redirect URI."""

    scope = "client:write"
    is_edited = True

    async def propose(self, request: web.Request) -> Proposal:
        """The present URI in a field."""
        typed = typed_of(request)
        connection, client = await _connection(request), await client_of(request)
        before = connection["redirect_uri"]
        after = before if typed is None else typed.get("redirect_uri", before).strip()
        field = filled(_REDIRECT, {"redirect_uri": after})
        row = Row(label=field.label, before=before, after=after)
        return Proposal(
            title="Change the redirect URI",
            subject=client["name"],
            says=["Sign-ins with the former URI are refused from then on."],
            fields=[field],
            rows=[] if before == after else [row],
            button="Change the redirect URI",
            back=_here(request),
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """PATCH …/connections/{id}."""
        typed = form_of(request)
        mithril = request.app[NEIGHBOURS].mithril
        body = {"redirect_uri": typed.get("redirect_uri", "").strip()}
        path = connection_path(request)
        reply = await ask(request, mithril, "PATCH", path, body=body)
        if isinstance(reply, Refused):
            return reply
        return Done(location=_here(request), message="The redirect URI is changed.")


class RotateSecret(Change):
    """A new secret; the former one goes on working for a while."""

    scope = "client:write"

    async def propose(self, request: web.Request) -> Proposal:
        """Say what happens to the former one."""
        await _connection(request)
        client = await client_of(request)
        return Proposal(
            title="Rotate the secret",
            subject=client["name"],
            says=[
                _SHOWN_ONCE,
                "The present secret goes on working for a while; until when is shown too.",
            ],
            button="Make a new secret",
            back=_here(request),
            danger=True,
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """PATCH …/actions/refresh_secret, as an operator (no key of the consumer)."""
        mithril = request.app[NEIGHBOURS].mithril
        path = f"{connection_path(request)}/actions/rotate_secret"
        reply = await ask(request, mithril, "PATCH", path)
        return _done(request, reply, "There is a new secret.")


class DeleteConnection(Change):
    """Take the credentials away."""

    scope = "client:delete"

    async def propose(self, request: web.Request) -> Proposal:
        """Say what stops."""
        connection, client = await _connection(request), await client_of(request)
        return Proposal(
            title="Delete a connection",
            subject=f"{client['name']} — {connection['redirect_uri']}",
            says=["Its secrets stop working at once."],
            button="Delete the connection",
            back=_here(request),
            danger=True,
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """DELETE …/connections/{id}."""
        mithril = request.app[NEIGHBOURS].mithril
        reply = await ask(request, mithril, "DELETE", connection_path(request))
        if isinstance(reply, Refused):
            return reply
        return Done(location=_of_client(request), message="The connection is deleted.")
