"""What an administrator may do to a client: edit, block, end its tokens."""

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from aiohttp import web

from services.admin_web.domain.scopes import difference, misspelt
from services.admin_web.handlers.asking import ask, get, id_of
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
from services.admin_web.handlers.listing import every
from shared.peers.neighbour import Refused

_ACCESS_TYPES = (("DIRECT", "DIRECT"), ("BROKER", "BROKER"))
_LABELS = {
    "name": "Name",
    "client_type_id": "Client type",
    "access_type": "Access type",
    "broker_scope": "Broker scope",
    "settings": "Settings (JSON)",
}


async def client_of(request: web.Request) -> dict[str, Any]:
    """The client that the path names."""
    mithril = request.app[NEIGHBOURS].mithril
    data: dict[str, Any] = (
        await get(request, mithril, f"/admin/clients/{id_of(request)}")
    ).data
    return data


async def _send(
    request: web.Request, method: str, path: str, body: object = None
) -> Refused | None:
    mithril = request.app[NEIGHBOURS].mithril
    whole = f"/admin/clients/{id_of(request)}{path}"
    reply = await ask(request, mithril, method, whole, body=body)
    return reply if isinstance(reply, Refused) else None


def _here(request: web.Request) -> str:
    return f"/clients/{id_of(request)}"


class EditClient(Change):
    """Name, type, access type, broker scope and settings."""

    scope = "client:write"
    is_edited = True

    async def propose(self, request: web.Request) -> Proposal:
        """The present values in fields; what would change in rows."""
        typed = typed_of(request)
        client = await client_of(request)
        types = await every(request, "/admin/client_types")
        names = {item["id"]: item["name"] for item in types}
        before = _flat(client)
        after = before if typed is None else {**before, **_cleaned(typed)}
        return Proposal(
            title="Edit a client",
            subject=client["name"],
            says=["Tokens that are issued from now on follow the new values."],
            fields=[filled(field, after) for field in _fields(before, names)],
            rows=_rows(before, after, names),
            wrong=_wrong(after),
            button="Save the changes",
            back=_here(request),
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """PATCH /admin/clients/{id}, with what changed alone."""
        typed = form_of(request)
        client = await client_of(request)
        before = _flat(client)
        after = {**before, **_cleaned(typed)}
        body = _body(client, before, after)
        refused = await _send(request, "PATCH", "", {"client": body})
        return refused or Done(location=_here(request), message="The client is changed.")


def _flat(client: Mapping[str, Any]) -> dict[str, str]:
    private = client["priv_settings"]
    settings = orjson.dumps(client["settings"], option=orjson.OPT_INDENT_2)
    return {
        "name": client["name"],
        "client_type_id": client["client_type_id"],
        "access_type": private.get("access_type", ""),
        "broker_scope": private.get("broker_scope") or "",
        "settings": settings.decode(),
    }


def _cleaned(typed: Typed) -> dict[str, str]:
    given = {name: typed[name].strip() for name in _LABELS if name in typed}
    given = {name: text.replace("\r\n", "\n") for name, text in given.items()}
    if "broker_scope" in given:
        given["broker_scope"] = " ".join(given["broker_scope"].split())
    return given


def _fields(before: Mapping[str, str], types: Mapping[str, str]) -> list[Field]:
    return [
        Field(name="name", label="Name", value=before["name"]),
        Field(
            name="client_type_id",
            label="Client type",
            kind="select",
            options=sorted(types.items(), key=lambda item: item[1]),
        ),
        Field(
            name="access_type",
            label="Access type",
            kind="select",
            options=_ACCESS_TYPES,
            hint="Tokens of a BROKER client work only with the key of its broker.",
        ),
        Field(
            name="broker_scope",
            label="Broker scope",
            kind="area",
            required=False,
            most=20_000,
            hint="For a MIS: the most that others may do through it. Separate by spaces.",
        ),
        Field(name="settings", label="Settings (JSON)", kind="area", most=20_000),
    ]


def _rows(
    before: Mapping[str, str], after: Mapping[str, str], types: Mapping[str, str]
) -> list[Row]:
    rows = []
    for name, label in _LABELS.items():
        old, new = before[name], after[name]
        if name == "settings" and _parsed(old) == _parsed(new):
            continue
        if old == new:
            continue
        if name == "client_type_id":
            old, new = types.get(old, old), types.get(new, new)
        scope = difference(old, new) if name == "broker_scope" else None
        rows.append(Row(label=label, before=old, after=new, scope=scope))
    return rows


def _wrong(after: Mapping[str, str]) -> list[str]:
    wrong = []
    if not after["name"]:
        wrong.append("A name is needed.")
    if misspelt(after["broker_scope"]):
        wrong.append("The broker scope has characters that no scope has.")
    if not isinstance(_parsed(after["settings"]), dict):
        wrong.append("The settings are no JSON object.")
    return wrong


def _parsed(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _body(
    client: Mapping[str, Any], before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, Any]:
    """What changed, as the API takes it; the private settings only as a whole."""
    body: dict[str, Any] = {
        name: after[name]
        for name in ("name", "client_type_id")
        if after[name] != before[name]
    }
    if _parsed(after["settings"]) != _parsed(before["settings"]):
        body["settings"] = _parsed(after["settings"])
    names = ("access_type", "broker_scope")
    if any(after[name] != before[name] for name in names):
        private = {**client["priv_settings"], "access_type": after["access_type"]}
        private.pop("broker_scope", None)
        if after["broker_scope"]:
            private["broker_scope"] = after["broker_scope"]
        body["priv_settings"] = private
    return body


class _Blocking(Change):
    scope = "client:write"
    blocked: ClassVar[bool]
    title: ClassVar[str]
    says: ClassVar[tuple[str, ...]]
    button: ClassVar[str]
    message: ClassVar[str]

    async def propose(self, request: web.Request) -> Proposal:
        """Ask why."""
        typed = typed_of(request)
        client = await client_of(request)
        reason = Field(name="block_reason", label="Reason")
        given = (typed or {}).get("block_reason", "").strip()
        return Proposal(
            title=self.title,
            subject=client["name"],
            says=self.says,
            fields=[filled(reason, typed)],
            wrong=[] if typed is None or given else ["A reason is needed."],
            button=self.button,
            back=_here(request),
            danger=self.blocked,
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """PATCH /admin/clients/{id}."""
        typed = form_of(request)
        reason = typed["block_reason"].strip()
        body = {"client": {"is_blocked": self.blocked, "block_reason": reason}}
        refused = await _send(request, "PATCH", "", body)
        return refused or Done(location=_here(request), message=self.message)


class BlockClient(_Blocking):
    """Refuse all tokens of a client."""

    blocked = True
    title = "Block a client"
    says = (
        "Every token of the client is refused at once, and none is issued.",
        "After unblocking, tokens that have not expired work again.",
    )
    button = "Block the client"
    message = "The client is blocked."


class UnblockClient(_Blocking):
    """Take its tokens again."""

    blocked = False
    title = "Unblock a client"
    says = ("Its tokens that have not expired work again.",)
    button = "Unblock the client"
    message = "The client is unblocked."


class EndClientTokens(Change):
    """End every token of a client."""

    scope = "client:write"

    async def propose(self, request: web.Request) -> Proposal:
        """Say that all its users must sign in again."""
        client = await client_of(request)
        return Proposal(
            title="End all tokens of a client",
            subject=client["name"],
            says=["All users of the client must sign in to it again."],
            button="End all tokens",
            back=_here(request),
            danger=True,
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """PATCH …/actions/deactivate_tokens."""
        refused = await _send(request, "PATCH", "/actions/deactivate_tokens")
        return refused or Done(
            location=_here(request), message="All tokens of the client have ended."
        )
