"""The administration API as the demo data uses it. Every step may be repeated."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import aiohttp

from services.up.state import word
from shared.runtime.clock import SystemClock
from shared.runtime.entropy import SystemEntropy

_SPACE = UUID("2f3f9a52-51f0-4b52-8f5c-8a3e54f6f6d1")  # makes the ids of demo rows stable
_TOKENS_LIVE = timedelta(days=30)


def demo_id(name: str) -> str:
    """The id of a demo row."""
    return str(uuid5(_SPACE, name))


class DemoApi:
    """Makes demo rows over HTTP, as any operator would."""

    def __init__(self, http: aiohttp.ClientSession, public: str, internal: str) -> None:
        self._http = http
        self.public = public
        self._internal = internal
        self._entropy = SystemEntropy()
        self._types: dict[str, str] = {}
        self._roles: dict[str, str] = {}

    async def learn_names(self) -> None:
        """Look up the ids of client types and roles."""
        self._types = await self._named("/admin/client_types")
        self._roles = await self._named("/admin/roles")

    async def call(
        self, method: str, url: str, body: object = None, **headers: str
    ) -> dict[str, Any]:
        """The answer; `RuntimeError` that says which step was refused, and why."""
        async with self._http.request(method, url, json=body, headers=headers) as response:
            answer: dict[str, Any] = await response.json()
            if response.status >= 300:
                raise RuntimeError(f"demo data: {method} {url}: {answer.get('error')}")
            return answer

    async def _admin(self, method: str, path: str, body: object = None) -> Any:
        return (await self.call(method, self._internal + path, body))["data"]

    async def _named(self, path: str) -> dict[str, str]:
        found: dict[str, str] = {}
        page = pages = 1
        while page <= pages:
            answer = await self.call("GET", f"{self._internal}{path}?page={page}")
            found |= {item["name"]: item["id"] for item in answer["data"]}
            pages, page = answer["paging"]["total_pages"], page + 1
        return found

    async def scope_of_type(self, name: str) -> list[str]:
        """How far clients of a type may go."""
        item = await self._admin("GET", f"/admin/client_types/{self._types[name]}")
        return str(item["scope"]).split()

    async def scope_of_role(self, name: str) -> list[str]:
        """How far people of a role may go."""
        item = await self._admin("GET", f"/admin/roles/{self._roles[name]}")
        return str(item["scope"]).split()

    async def widen_type(self, name: str, scope: list[str]) -> None:
        """Let clients of a type go as far as this, too."""
        present = await self.scope_of_type(name)
        wanted = [*present, *(item for item in scope if item not in present)]
        if wanted != present:
            body = {"client_type": {"scope": " ".join(wanted)}}
            await self._admin("PATCH", f"/admin/client_types/{self._types[name]}", body)

    async def person(self, email: str, password: str | None, **more: str) -> dict[str, str]:
        """An account that may sign in; the password of an earlier start stays as it is."""
        found = await self._admin("GET", f"/admin/users?email={email}")
        if found and password is not None:
            user = found[0]
            if user["is_blocked"]:
                await self._admin("PATCH", f"/admin/users/{user['id']}/actions/unblock", {})
            return {"id": user["id"], "email": email, "password": password}
        password = f"Demo-{word(self._entropy, 16)}-1a"
        body: dict[str, object] = {"email": email, "password": password, **more}
        if found:
            user = found[0]
            await self._admin("PATCH", f"/admin/users/{user['id']}", {"user": body})
        else:
            body |= {"2fa_enable": False}
            user = await self._admin("POST", "/admin/users", {"user": body})
        return {"id": user["id"], "email": email, "password": password}

    async def phone(self, user_id: str, phone: str) -> None:
        """A second factor by SMS, unless there is one."""
        path = f"/admin/users/{user_id}/authentication_factors"
        if not await self._admin("GET", f"{path}?type=SMS"):
            await self._admin("POST", path, {"type": "SMS", "factor": phone})

    async def client(
        self,
        name: str,
        client_type: str,
        owner: str,
        grants: list[str] | None = None,
        *,
        broker_scope: bool = False,
    ) -> None:
        """A client of a type."""
        private = {"access_type": "DIRECT"}
        if broker_scope:
            private["broker_scope"] = " ".join(await self.scope_of_type("MSP"))
        body = {
            "name": f"Demo {name}",
            "user_id": owner,
            "client_type_id": self._types[client_type],
            "settings": {"allowed_grant_types": grants or []},
            "priv_settings": private,
        }
        await self._admin("PUT", f"/admin/clients/{demo_id(name)}", {"client": body})

    async def connection(self, client: str, consumer: str, redirect_uri: str) -> str:
        """A connection; its new secret, beside which the former one works for a while."""
        body = {"consumer_id": demo_id(consumer), "redirect_uri": redirect_uri}
        path = f"/admin/clients/{demo_id(client)}/connections"
        return str((await self._admin("PUT", path, body))["secret"])

    async def role(self, user_id: str, role: str, client: str) -> None:
        """A role in a client, unless the person has it."""
        held = await self._admin("GET", f"/admin/users/{user_id}/roles")
        if not any(item["role_name"] == role for item in held):
            body = {"role_id": self._roles[role], "client_id": demo_id(client)}
            await self._admin("POST", f"/admin/users/{user_id}/roles", {"user_role": body})

    async def global_role(self, user_id: str, role: str) -> None:
        """A role everywhere."""
        body = {"global_user_role": {"role_id": self._roles[role]}}
        await self._admin("POST", f"/admin/users/{user_id}/global_roles", body)

    async def token(self, user_id: str, client: str, scope: list[str]) -> str:
        """The value of an access token that was given, not signed in for."""
        value = word(self._entropy)
        expires = SystemClock().now() + _TOKENS_LIVE
        details = {
            "client_id": demo_id(client),
            "scope": " ".join(scope),
            "grant_type": "password",
        }
        body = {
            "name": "access_token",
            "value": value,
            "user_id": user_id,
            "expires_at": int(expires.timestamp()),
            "details": details,
        }
        await self._admin("POST", "/admin/tokens", {"token": body})
        return value
