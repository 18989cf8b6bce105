"""What an administrator may do to an account: block, end sessions, factors, roles."""

from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from services.admin_web.handlers.asking import ask, get, id_of
from services.admin_web.handlers.changes import (
    Change,
    Done,
    Field,
    Proposal,
    Typed,
    filled,
    form_of,
    typed_of,
)
from services.admin_web.handlers.keys import NEIGHBOURS
from services.admin_web.handlers.listing import every
from shared.peers.neighbour import Refused
from shared.runtime.pages import PageError

_REASON = Field(
    name="block_reason",
    label="Reason",
    hint="It is kept with the account, and in the account log.",
)
_ENDS_ALL = "Every session and token of the account ends at once."


async def _user(request: web.Request) -> dict[str, Any]:
    user_id = id_of(request)
    mithril = request.app[NEIGHBOURS].mithril
    data: dict[str, Any] = (await get(request, mithril, f"/admin/users/{user_id}")).data
    return data


async def _send(
    request: web.Request, method: str, path: str, body: object = None, **but: Any
) -> Refused | None:
    """A change of the account that the path names; the refusal, if it is refused."""
    mithril = request.app[NEIGHBOURS].mithril
    whole = f"/admin/users/{id_of(request)}{path}"
    reply = await ask(request, mithril, method, whole, body=body, **but)
    return reply if isinstance(reply, Refused) else None


def _here(request: web.Request) -> str:
    return f"/users/{id_of(request)}"


class Block(Change):
    """Nobody may sign in to the account, and all that it has ends."""

    scope = "user:block"

    async def propose(self, request: web.Request) -> Proposal:
        """Ask why."""
        typed = typed_of(request)
        user = await _user(request)
        return Proposal(
            title="Block an account",
            subject=user["email"],
            says=["Nobody can sign in to the account until it is unblocked.", _ENDS_ALL],
            fields=[filled(_REASON, typed)],
            wrong=_without_reason(typed),
            button="Block the account",
            back=_here(request),
            danger=True,
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """PATCH …/actions/block."""
        typed = form_of(request)
        body = {"user": {"block_reason": typed["block_reason"].strip()}}
        refused = await _send(request, "PATCH", "/actions/block", body)
        return refused or Done(location=_here(request), message="The account is blocked.")


class Unblock(Change):
    """The account may be used again."""

    scope = "user:unblock"

    async def propose(self, request: web.Request) -> Proposal:
        """Ask why."""
        typed = typed_of(request)
        user = await _user(request)
        return Proposal(
            title="Unblock an account",
            subject=user["email"],
            says=["Its owner can sign in again.", "Tokens that ended stay ended."],
            fields=[filled(_REASON, typed)],
            wrong=_without_reason(typed),
            button="Unblock the account",
            back=_here(request),
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """PATCH …/actions/unblock."""
        typed = form_of(request)
        body = {"user": {"block_reason": typed["block_reason"].strip()}}
        refused = await _send(request, "PATCH", "/actions/unblock", body)
        return refused or Done(location=_here(request), message="The account is unblocked.")


@dataclass(frozen=True)
class _FactorWords:
    title: str
    says: str
    button: str
    message: str
    danger: bool


_FACTOR_ACTIONS = {
    "reset": _FactorWords(
        "Reset a second factor",
        "The number is forgotten; at the next sign-in its owner sets up a new one.",
        "Reset the factor",
        "The factor is reset.",
        danger=True,
    ),
    "disable": _FactorWords(
        "Disable a second factor",
        "The account can be signed in to without this factor.",
        "Disable the factor",
        "The factor is disabled.",
        danger=True,
    ),
    "enable": _FactorWords(
        "Enable a second factor",
        "From now on signing in needs this factor again.",
        "Enable the factor",
        "The factor is enabled.",
        danger=False,
    ),
}


class ChangeFactor(Change):
    """Reset, disable or enable one factor."""

    scope = "authentication_factor:write"

    async def propose(self, request: web.Request) -> Proposal:
        """Say what will be asked at the next sign-in."""
        words = _words(request)
        user = await _user(request)
        return Proposal(
            title=words.title,
            subject=user["email"],
            says=[words.says],
            button=words.button,
            back=_here(request),
            danger=words.danger,
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """PATCH …/authentication_factors/{id}/actions/{action}."""
        words, factor_id = _words(request), id_of(request, "factor_id")
        action = request.match_info["action"]
        path = f"/authentication_factors/{factor_id}/actions/{action}"
        refused = await _send(request, "PATCH", path)
        return refused or Done(location=_here(request), message=words.message)


def _words(request: web.Request) -> _FactorWords:
    words = _FACTOR_ACTIONS.get(request.match_info["action"])
    if words is None:
        raise PageError(404)
    return words


class EndSessions(Change):
    """Revoke every token of an account."""

    scope = "user:delete"

    async def propose(self, request: web.Request) -> Proposal:
        """Say that its owner must sign in again."""
        user = await _user(request)
        return Proposal(
            title="End all sessions",
            subject=user["email"],
            says=[_ENDS_ALL, "Its owner can sign in again."],
            button="End all sessions",
            back=_here(request),
            danger=True,
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """DELETE …/tokens."""
        refused = await _send(request, "DELETE", "/tokens")
        return refused or Done(
            location=_here(request), message="All sessions of the account have ended."
        )


class WithdrawApproval(Change):
    """Take back what a user allowed a client to do."""

    scope = "user:delete"

    async def propose(self, request: web.Request) -> Proposal:
        """Say for which client."""
        user, client_id = await _user(request), id_of(request, "client_id")
        approvals = await _of_user(request, "/apps")
        names = [a["client_name"] for a in approvals if a["client_id"] == client_id]
        if not names:
            raise PageError(404)
        return Proposal(
            title="Withdraw an approval",
            subject=f"{user['email']} — {names[0]}",
            says=[
                "The client loses what the user allowed it; its tokens for them end.",
                "The user may approve the client again.",
            ],
            button="Withdraw the approval",
            back=_here(request),
            danger=True,
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """DELETE …/apps?client_id=."""
        query = {"client_id": id_of(request, "client_id")}
        refused = await _send(request, "DELETE", "/apps", query=query)
        return refused or Done(
            location=_here(request), message="The approval is withdrawn."
        )


class GrantRole(Change):
    """Give a user a role, in a client or everywhere."""

    scope = "user:write"

    async def propose(self, request: web.Request) -> Proposal:
        """Ask which role, and where."""
        typed = typed_of(request)
        user = await _user(request)
        roles = await every(request, "/admin/roles")
        options = [("", "—"), *((role["id"], role["name"]) for role in roles)]
        role = Field(name="role_id", label="Role", kind="select", options=options)
        client = Field(
            name="client_id",
            label="Id of the client",
            hint="Empty: the role counts in every client.",
            required=False,
        )
        return Proposal(
            title="Grant a role",
            subject=user["email"],
            says=["The user may be granted what the role holds, from the next token on."],
            fields=[filled(role, typed), filled(client, typed)],
            button="Grant the role",
            back=_here(request),
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """POST …/roles or …/global_roles."""
        typed = form_of(request)
        role = {"role_id": typed.get("role_id", "")}
        client_id = typed.get("client_id", "").strip()
        if client_id:
            body: Any = {"user_role": {**role, "client_id": client_id}}
            refused = await _send(request, "POST", "/roles", body)
        else:
            body = {"global_user_role": role}
            refused = await _send(request, "POST", "/global_roles", body)
        return refused or Done(location=_here(request), message="The role is granted.")


class WithdrawRole(Change):
    """Take a role away."""

    scope = "user:delete"
    kind: ClassVar[str]

    async def propose(self, request: web.Request) -> Proposal:
        """Say which."""
        user, granted_id = await _user(request), id_of(request, "granted_id")
        roles = await _of_user(request, f"/{self.kind}")
        names = [_role_name(role) for role in roles if role["id"] == granted_id]
        if not names:
            raise PageError(404)
        return Proposal(
            title="Withdraw a role",
            subject=f"{user['email']} — {names[0]}",
            says=["What only this role allowed is not granted any more."],
            button="Withdraw the role",
            back=_here(request),
            danger=True,
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """DELETE of the grant."""
        granted_id = id_of(request, "granted_id")
        refused = await self.withdraw(request, granted_id)
        return refused or Done(location=_here(request), message="The role is withdrawn.")

    async def withdraw(self, request: web.Request, granted_id: str) -> Refused | None:
        """Send it."""
        return await _send(request, "DELETE", f"/{self.kind}/{granted_id}")


class WithdrawGlobalRole(WithdrawRole):
    """Of every client."""

    kind = "global_roles"


class WithdrawRoleInClient(WithdrawRole):
    """Of one client."""

    kind = "roles"

    async def withdraw(self, request: web.Request, granted_id: str) -> Refused | None:
        """The API deletes such a grant by its own id alone."""
        mithril = request.app[NEIGHBOURS].mithril
        path = f"/admin/users/roles/{granted_id}"
        reply = await ask(request, mithril, "DELETE", path)
        return reply if isinstance(reply, Refused) else None


async def _of_user(request: web.Request, path: str) -> list[dict[str, Any]]:
    mithril = request.app[NEIGHBOURS].mithril
    whole = f"/admin/users/{id_of(request)}{path}"
    data: list[dict[str, Any]] = (await get(request, mithril, whole)).data
    return data


def _role_name(role: dict[str, Any]) -> str:
    where = role.get("client_name")
    return role["role_name"] if where is None else f"{role['role_name']} ({where})"


def _without_reason(typed: Typed | None) -> list[str]:
    if typed is None or typed.get("block_reason", "").strip():
        return []
    return ["A reason is needed."]
