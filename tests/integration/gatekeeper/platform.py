"""mithril-api and abac-api as gatekeeper sees them: they speak the contract, and can fail."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import orjson
from aiohttp import web

from tests.integration.gatekeeper.values import CLIENT, MIS, SERVICE_TOKEN, USER

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


def a_token(**but: Any) -> dict[str, Any]:
    """What verify says of a live token."""
    details = {
        "client_id": str(CLIENT),
        "client_type": "MSP",
        "scope": "episode:read person:read",
        **but.pop("details", {}),
    }
    return {
        "data": {
            "id": str(uuid4()),
            "name": "access_token",
            "user_id": str(USER),
            "expires_at": 4_000_000_000,
            "details": details,
            "user": {"person_id": but.pop("person_id", "")},
        },
        "urgent": {"mis_client_id": but.pop("mis_client_id", None)},
        **but,
    }


@dataclass
class Platform:
    """Knows tokens, keys and refresh tokens by value; answers what a test says."""

    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, UUID] = field(default_factory=dict)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)  # code → form wanted
    refreshes: dict[str, str] = field(default_factory=dict)  # refresh token → new access
    expires_at: int = 4_000_000_000  # of access tokens that are granted
    permits: bool = True
    asked: list[tuple[str, Any]] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    fault: Fault | None = None

    def app(self) -> web.Application:
        @web.middleware
        async def noted(request: web.Request, handler: Any) -> web.StreamResponse:
            body = await request.read()
            path = request.match_info.route.resource
            assert path is not None
            self.asked.append((path.canonical, orjson.loads(body) if body else None))
            self.requests.append(request)
            if self.fault is not None:
                answer = await self.fault(request)
                if answer is not None:
                    return answer
            return await handler(request)  # type: ignore[no-any-return]  # of aiohttp

        app = web.Application(middlewares=[noted])
        app.router.add_get("/admin/tokens/{value}/verify", self._verify)
        app.router.add_post("/admin/tokens/verify", self._verify_many)
        app.router.add_get("/admin/api_key/{key}/verify", self._key)
        app.router.add_post("/api/authorize", self._authorize)
        app.router.add_post("/oauth/tokens", self._grant)
        app.router.add_post("/auth/logout", self._log_out)
        return app

    def count(self, path: str) -> int:
        """How often something was asked."""
        return sum(1 for asked, _ in self.asked if asked == path)

    def _of(self, value: str, api_key: str | None) -> tuple[int, dict[str, Any]]:
        known = self.tokens.get(value)
        if known is None:
            return 404, {"error": {"type": "not_found"}}
        if known.get("api_key") not in {None, api_key}:
            return 422, {"error": {"type": "request_malformed"}}
        return 200, known

    async def _verify(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {SERVICE_TOKEN}"
        status, body = self._of(request.match_info["value"], request.headers.get("api-key"))
        return web.json_response(body, status=status)

    async def _verify_many(self, request: web.Request) -> web.Response:
        answers = []
        for item in (await request.json())["tokens"]:
            status, body = self._of(item["value"], item["api_key"])
            answers.append({"status": status, **body})
        return web.json_response({"data": answers})

    async def _key(self, request: web.Request) -> web.Response:
        client = self.keys.get(request.match_info["key"])
        if client is None:
            return web.json_response({"error": {"type": "request_malformed"}}, status=422)
        details = {
            "client_id": str(client),
            "scope": "episode:read person:read",
            "broker_scope": "person:read",
        }
        urgent = {"mis_client_id": str(MIS)}
        return web.json_response({"data": {"details": details}, "urgent": urgent})

    async def _authorize(self, _: web.Request) -> web.Response:
        data = {"result": self.permits, "decision_id": str(uuid4())}
        return web.json_response({"data": data})

    async def _grant(self, request: web.Request) -> web.Response:
        form = (await request.json())["token"]
        if form["grant_type"] == "refresh_token":
            access = self.refreshes.get(form["refresh_token"])
            refresh = form["refresh_token"]
        else:
            wanted = self.codes.pop(form["code"], None)
            fits = wanted is not None and wanted.items() <= form.items()
            access, refresh = ("access-1", "refresh-1") if fits else (None, "")
        if access is None:
            error = {"type": "invalid_grant", "message": "Token not found."}
            return web.json_response({"error": error}, status=401)
        details = {"scope": "user:read", "refresh_token": refresh}
        data = {
            "value": access,
            "expires_at": self.expires_at,
            "user_id": str(USER),
            "details": details,
        }
        return web.json_response({"data": data}, status=201)

    async def _log_out(self, request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if self.tokens.pop(token, None) is None:
            return web.json_response({"error": {"type": "token_expired"}}, status=401)
        self.refreshes.clear()
        return web.json_response({"data": {}})


async def away(request: web.Request) -> web.StreamResponse:
    """A fault: the connection is cut."""
    assert request.transport is not None
    request.transport.abort()
    await asyncio.sleep(0)
    return web.Response()


def only(path: str, fault: Fault) -> Fault:
    """A fault at one path alone."""

    async def chosen(request: web.Request) -> web.StreamResponse | None:
        return await fault(request) if request.path.startswith(path) else None

    return chosen
