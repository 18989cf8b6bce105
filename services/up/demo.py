"""Demo data, made as any operator would make it: by the HTTP API of the running services.

Made once a state directory; what is shown only once (secrets, values) is kept there. Every
step may be repeated, so a start that was cut short is simply done again.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import aiohttp

from services.up.state import StateDirectory, word
from shared.runtime.clock import SystemClock
from shared.runtime.entropy import SystemEntropy

_FILE = "demo.json"
_SPACE = UUID("2f3f9a52-51f0-4b52-8f5c-8a3e54f6f6d1")  # makes the ids of demo rows stable
_REDIRECT = "https://clinic.demo.test/callback"
_FRESH_FOR = timedelta(days=2)
_TOKENS_LIVE = timedelta(days=30)


def _id(name: str) -> str:
    return str(uuid5(_SPACE, name))


async def prepare(
    state: StateDirectory, addresses: dict[str, dict[str, str]], *, service_token: str
) -> dict[str, str]:
    """What `endpoints.json` says under `demo`; made now unless it is there and still good."""
    kept = state.read(_FILE)
    now = SystemClock().now().timestamp()
    if kept is not None and kept["good_until"] > now:
        return dict(kept["demo"])
    api = addresses["mithril-api"]
    bearer = {"Authorization": f"Bearer {service_token}"}
    async with aiohttp.ClientSession(headers=bearer) as http:
        made = await _Demo(http, api["public"], api["internal"]).make(kept)
        await _tell_facts(http, addresses["abac-api"]["internal"], made["user_id"])
    made["patient_id"] = _id("patient")
    made["service_token"] = service_token
    good_until = now + (timedelta(days=14) - _FRESH_FOR).total_seconds()
    state.write(_FILE, {"demo": made, "good_until": good_until})
    return made


async def _tell_facts(http: aiohttp.ClientSession, abac: str, doctor_id: str) -> None:
    """The doctor works in the clinic, and one patient chose them: rule 1 allows the rest."""
    now = SystemClock().now().isoformat()
    facts: dict[str, dict[str, object]] = {
        "employee": {
            "user_id": doctor_id,
            "legal_entity_id": _id("clinic"),
            "is_active": True,
        },
        "declaration": {
            "patient_id": _id("patient"),
            "employee_id": _id("employee"),
            "legal_entity_id": _id("clinic"),
            "active_from": now,
        },
    }
    for kind, fact in facts.items():
        async with http.put(f"{abac}/facts/{kind}/{_id(kind)}", json=fact) as response:
            if response.status >= 300:
                raise RuntimeError(f"demo data: {kind}: {await response.text()}")


class _Demo:
    """Makes the demo rows over HTTP."""

    def __init__(self, http: aiohttp.ClientSession, public: str, internal: str) -> None:
        self._http = http
        self._public = public
        self._internal = internal
        self._entropy = SystemEntropy()
        self._types: dict[str, str] = {}
        self._roles: dict[str, str] = {}

    async def make(self, kept: dict[str, Any] | None) -> dict[str, str]:
        """Everything; passwords of an earlier start are kept."""
        before = {} if kept is None else kept["demo"]
        self._types = await self._named("/admin/client_types")
        self._roles = await self._named("/admin/roles")
        people = {
            who: await self._person(who, before.get(f"{who}_password"))
            for who in ("user", "admin", "auditor")
        }
        owner = people["admin"]["id"]
        await self._client("auth-web", "Auth_FE", owner, ["password", "change_password"])
        await self._client("clinic", "MSP", owner)
        await self._client("mis", "MIS", owner, broker_scope=True)
        await self._client("console", "MITHRIL ADMIN", owner)
        await self._client("audit", "AUDIT", owner)
        await self._global_role(people["admin"]["id"], "MITHRIL ADMIN")
        await self._global_role(people["auditor"]["id"], "AUDIT")
        await self._role(people["user"]["id"], "DOCTOR", "clinic")
        secret = await self._connection("clinic", "mis")
        made = {
            "client_id": _id("clinic"),
            "client_secret": secret,
            "mis_api_key": await self._connection("mis", "mis"),
            "refresh_token": await self._refresh_token(people["user"], secret),
            "admin_token": await self._token(
                people["admin"]["id"], "console", "MITHRIL ADMIN"
            ),
            "auditor_token": await self._token(people["auditor"]["id"], "audit", "AUDIT"),
            "user_id": people["user"]["id"],
        }
        for who, person in people.items():
            made[f"{who}_email"] = person["email"]
            made[f"{who}_password"] = person["password"]
        return made

    async def _call(
        self, method: str, url: str, body: object = None, **headers: str
    ) -> dict[str, Any]:
        async with self._http.request(method, url, json=body, headers=headers) as response:
            answer: dict[str, Any] = await response.json()
            if response.status >= 300:
                raise RuntimeError(f"demo data: {method} {url}: {answer.get('error')}")
            return answer

    async def _admin(self, method: str, path: str, body: object = None) -> Any:
        return (await self._call(method, self._internal + path, body))["data"]

    async def _named(self, path: str) -> dict[str, str]:
        found: dict[str, str] = {}
        page = pages = 1
        while page <= pages:
            answer = await self._call("GET", f"{self._internal}{path}?page={page}")
            found |= {item["name"]: item["id"] for item in answer["data"]}
            pages, page = answer["paging"]["total_pages"], page + 1
        return found

    async def _scope_of(self, client_type: str) -> str:
        item = await self._admin("GET", f"/admin/client_types/{self._types[client_type]}")
        return str(item["scope"])

    async def _person(self, who: str, password: str | None) -> dict[str, str]:
        email = f"{'doctor' if who == 'user' else who}@demo.mithril.test"
        password = password or f"Demo-{word(self._entropy, 16)}-1a"
        found = await self._admin("GET", f"/admin/users?email={email}")
        if found:
            user = found[0]
            await self._admin(
                "PATCH", f"/admin/users/{user['id']}", {"user": {"password": password}}
            )
        else:
            body = {"email": email, "password": password, "2fa_enable": False}
            user = await self._admin("POST", "/admin/users", {"user": body})
        return {"id": user["id"], "email": email, "password": password}

    async def _client(
        self,
        name: str,
        client_type: str,
        owner: str,
        grants: list[str] | None = None,
        *,
        broker_scope: bool = False,
    ) -> None:
        private = {"access_type": "DIRECT"}
        if broker_scope:
            private["broker_scope"] = await self._scope_of("MSP")
        body = {
            "name": f"Demo {name}",
            "user_id": owner,
            "client_type_id": self._types[client_type],
            "settings": {"allowed_grant_types": grants or []},
            "priv_settings": private,
        }
        await self._admin("PUT", f"/admin/clients/{_id(name)}", {"client": body})

    async def _connection(self, client: str, consumer: str) -> str:
        body = {"consumer_id": _id(consumer), "redirect_uri": _REDIRECT}
        answer = await self._admin("PUT", f"/admin/clients/{_id(client)}/connections", body)
        return str(answer["secret"])

    async def _role(self, user_id: str, role: str, client: str) -> None:
        held = await self._admin("GET", f"/admin/users/{user_id}/roles")
        if any(item["role_name"] == role for item in held):
            return
        body = {"role_id": self._roles[role], "client_id": _id(client)}
        await self._admin("POST", f"/admin/users/{user_id}/roles", {"user_role": body})

    async def _global_role(self, user_id: str, role: str) -> None:
        body = {"global_user_role": {"role_id": self._roles[role]}}
        await self._admin("POST", f"/admin/users/{user_id}/global_roles", body)

    async def _token(self, user_id: str, client: str, client_type: str) -> str:
        value = word(self._entropy)
        expires = SystemClock().now() + _TOKENS_LIVE
        details = {
            "client_id": _id(client),
            "scope": await self._scope_of(client_type),
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

    async def _refresh_token(self, person: dict[str, str], client_secret: str) -> str:
        """Sign in, consent, exchange the code: the whole way that a doctor takes."""
        role = await self._admin("GET", f"/admin/roles/{self._roles['DOCTOR']}")
        allowed = set((await self._scope_of("MSP")).split())
        scope = " ".join(item for item in role["scope"].split() if item in allowed)
        login = {
            "grant_type": "password",
            "email": person["email"],
            "password": person["password"],
            "client_id": _id("auth-web"),
            "scope": "app:authorize",
        }
        session = await self._call("POST", self._public + "/auth/login", {"token": login})
        consent = {"client_id": _id("clinic"), "redirect_uri": _REDIRECT, "scope": scope}
        code = await self._call(
            "POST",
            self._public + "/oauth/apps/authorize",
            {"app": consent},
            Authorization=f"Bearer {session['data']['value']}",
        )
        exchange = {
            "grant_type": "authorization_code",
            "client_id": _id("clinic"),
            "client_secret": client_secret,
            "code": code["data"]["value"],
            "redirect_uri": _REDIRECT,
        }
        tokens = await self._call(
            "POST", self._public + "/oauth/tokens", {"token": exchange}
        )
        return str(tokens["data"]["details"]["refresh_token"])
