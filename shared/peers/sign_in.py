"""mithril-api's login API, as the sign-in pages call it.

`Authorization` carries the user's token, `X-Service-Authorization` ours, by which mithril-api
believes the `X-Forwarded-For` that says who the browser is. Nothing here is tried again but
reading: a code or a message that is sent twice is not what anyone asked for.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
from pydantic import TypeAdapter

from shared.peers.breaker import Breaker
from shared.peers.sign_in_answers import (
    Approval,
    ClientSummary,
    Consent,
    Done,
    PageOf,
    Refusal,
    SignInUnavailableError,
    Step,
    UserFactor,
)
from shared.peers.sign_in_reading import (
    Answer,
    approval_of,
    consent_of,
    done_of,
    object_of,
    read,
    step_of,
    text_of,
    valid,
)

Json = Mapping[str, Any]

_USER_FACTORS = TypeAdapter(tuple[UserFactor, ...])
_LONGEST_ANSWER = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInApi:
    """Calls both listeners of mithril-api, for one browser: `of(address)` says which."""

    public: str
    internal: str
    session: Callable[[], aiohttp.ClientSession]
    service_token: str = field(repr=False)
    deadline: float = 10.0
    breaker: Breaker = field(default_factory=Breaker)

    async def login(
        self, token: Json, *, address: str, bearer: str | None = None
    ) -> Step | Refusal:
        """`POST /auth/login`: any grant of the login endpoint."""
        answer = await self._public(
            "POST", "/auth/login", {"token": token}, address=address, bearer=bearer
        )
        return step_of(answer)

    async def logout(self, bearer: str, *, address: str) -> Done | Refusal:
        """End the session of a token."""
        return done_of(
            await self._public("POST", "/auth/logout", None, address=address, bearer=bearer)
        )

    async def nonce(self, client_id: str, *, address: str) -> str | Refusal:
        """What a digital signature must cover."""
        body = {"client_id": client_id}
        answer = await self._public("POST", "/oauth/nonce", body, address=address)
        return answer.refusal or text_of(answer.data, "token")

    async def webauthn_options(self, bearer: str, *, address: str) -> Json | Refusal:
        """What a browser needs to ask for a passkey."""
        path = "/oauth/users/actions/webauthn_options"
        answer = await self._public("POST", path, {}, address=address, bearer=bearer)
        return answer.refusal or object_of(answer.data)

    async def init_factor(self, body: Json, *, bearer: str, address: str) -> Step | Refusal:
        """Begin to set a factor up."""
        path = "/oauth/users/actions/init_factor"
        return step_of(
            await self._public("POST", path, body, address=address, bearer=bearer)
        )

    async def approve_factor(
        self, body: Json, *, bearer: str, address: str
    ) -> Step | Refusal:
        """Prove that a factor is at hand; it counts from now on."""
        path = "/oauth/users/actions/approve_factor"
        return step_of(
            await self._public("POST", path, body, address=address, bearer=bearer)
        )

    async def factors(
        self, bearer: str, *, address: str
    ) -> tuple[UserFactor, ...] | Refusal:
        """The factors of the user."""
        answer = await self._public(
            "GET", "/oauth/user/factors", None, address=address, bearer=bearer
        )
        return answer.refusal or valid(_USER_FACTORS, answer.data)

    async def delete_factor(
        self, factor_id: str, *, bearer: str, address: str
    ) -> Done | Refusal:
        """Remove a factor."""
        path = f"/oauth/user/factors/{quote(factor_id, safe='')}"
        return done_of(
            await self._public("DELETE", path, None, address=address, bearer=bearer)
        )

    async def update_password(
        self, password: str, *, bearer: str, address: str
    ) -> Done | Refusal:
        """Set a new password with a change_password_token."""
        path = "/oauth/users/actions/update_password"
        body = {"user": {"password": password}}
        return done_of(
            await self._public("POST", path, body, address=address, bearer=bearer)
        )

    async def consent(
        self, asked: Mapping[str, str], *, bearer: str, address: str
    ) -> Consent | Refusal:
        """What a consent would be about: a request that is kept, or all that is asked."""
        answer = await self._public(
            "GET",
            "/oauth/apps/authorize",
            None,
            address=address,
            bearer=bearer,
            query={name: value for name, value in asked.items() if value},
        )
        return answer.refusal or consent_of(object_of(answer.data))

    async def device(
        self, user_code: str, *, bearer: str, address: str
    ) -> Consent | Refusal:
        """What the device that shows this code asks its user for (RFC 8628)."""
        body = {"device": {"user_code": user_code}}
        answer = await self._public(
            "POST", "/oauth/device/preview", body, address=address, bearer=bearer
        )
        return answer.refusal or consent_of(object_of(answer.data))

    async def answer_device(
        self, user_code: str, answer: str, *, bearer: str, address: str
    ) -> Done | Refusal:
        """Let the device have it, or not: `allow` or `deny`."""
        body = {"device": {"user_code": user_code, "answer": answer}}
        path = "/oauth/device/answer"
        return done_of(
            await self._public("POST", path, body, address=address, bearer=bearer)
        )

    async def refuse_request(
        self, *, client_id: str, request_uri: str, error: str
    ) -> str | Refusal:
        """End a request that is kept: where to send the browser with the error."""
        body = {"client_id": client_id, "request_uri": request_uri, "error": error}
        return await self._led("/admin/authorization_requests/actions/refuse", body)

    async def after_sign_out(self, wish: Mapping[str, str]) -> str | Refusal:
        """Where a client may have its user sent, once signed out."""
        return await self._led("/admin/sign_outs/actions/finish", wish)

    async def _led(self, path: str, body: Mapping[str, str]) -> str | Refusal:
        headers = {"Authorization": f"Bearer {self.service_token}"}
        url = self.internal.rstrip("/") + path
        answer = await self._guarded("POST", url, body, headers, {})
        if answer.refusal is not None:
            return answer.refusal
        if not answer.location:
            raise SignInUnavailableError("mithril-api's answer has no `Location`")
        return answer.location

    async def authorize(self, app: Json, *, bearer: str, address: str) -> str | Refusal:
        """Record the consent: where to send the browser."""
        answer = await self._public(
            "POST", "/oauth/apps/authorize", {"app": app}, address=address, bearer=bearer
        )
        if answer.refusal is not None:
            return answer.refusal
        if not answer.location:
            raise SignInUnavailableError("mithril-api's answer has no `Location`")
        return answer.location

    async def request_recovery(self, body: Json, *, address: str) -> Done | Refusal:
        """Ask for a mail with a link; whether anyone has that address is not said."""
        path = "/api/credentials_recovery_requests"
        return done_of(await self._public("POST", path, body, address=address))

    async def reset_password(
        self, value: str, password: str, *, address: str
    ) -> Done | Refusal:
        """Set a new password with the value of a mailed link."""
        marked = quote(value, safe="")
        path = f"/api/credentials_recovery_requests/{marked}/actions/reset_password"
        body = {"user": {"password": password}}
        return done_of(await self._public("PATCH", path, body, address=address))

    async def approvals(self, *, bearer: str, page: int, address: str) -> PageOf | Refusal:
        """What the user allowed, a page."""
        query = {"page": str(page), "page_number": str(page), "page_size": "20"}
        answer = await self._public(
            "GET", "/api/pis/apps", None, address=address, bearer=bearer, query=query
        )
        if answer.refusal is not None:
            return answer.refusal
        items = answer.data if isinstance(answer.data, list) else []
        return PageOf(
            items=[approval_of(object_of(item)) for item in items],
            number=int(answer.paging.get("page_number", page)),
            total_pages=int(answer.paging.get("total_pages", 1)),
        )

    async def approval(
        self, approval_id: str, *, bearer: str, address: str
    ) -> Approval | Refusal:
        """One approval of the user."""
        path = f"/api/pis/apps/{quote(approval_id, safe='')}"
        answer = await self._public("GET", path, None, address=address, bearer=bearer)
        return answer.refusal or approval_of(object_of(answer.data))

    async def revoke_approval(
        self, approval_id: str, *, bearer: str, address: str
    ) -> Done | Refusal:
        """Withdraw an approval."""
        path = f"/api/pis/apps/{quote(approval_id, safe='')}"
        return done_of(
            await self._public("DELETE", path, None, address=address, bearer=bearer)
        )

    async def client(self, client_id: str, redirect_uri: str) -> ClientSummary | None:
        """A client, and whether that redirect URI is registered for it to the letter."""
        path = f"/admin/clients/{quote(client_id, safe='')}"
        found, matches = await asyncio.gather(
            self._internal(f"{path}/details"),
            self._is_registered(f"{path}/connections", redirect_uri),
        )
        if found.refusal is not None:
            return None
        data = object_of(found.data)
        return ClientSummary(
            id=client_id,
            name=text_of(data, "name"),
            is_blocked=bool(data.get("is_blocked")),
            redirect_matches=matches,
        )

    async def _is_registered(self, path: str, redirect_uri: str) -> bool:
        page = pages = 1
        while page <= pages:
            query = {
                "redirect_uri": redirect_uri,
                "page": str(page),
                "page_number": str(page),
                "page_size": "100",
            }
            answer = await self._internal(path, query)
            items = answer.data if isinstance(answer.data, list) else []
            if any(object_of(item).get("redirect_uri") == redirect_uri for item in items):
                return True
            page, pages = page + 1, int(answer.paging.get("total_pages", 1))
        return False

    async def ping(self) -> None:
        """Raise unless mithril-api answers."""
        await self._request("GET", f"{self.internal.rstrip('/')}/healthz", None, {}, {})

    async def _internal(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.service_token}"}
        url = self.internal.rstrip("/") + path
        answer = await self._guarded("GET", url, None, headers, query or {})
        if answer.refusal is not None and answer.refusal.status not in {400, 404, 422}:
            raise SignInUnavailableError(f"mithril-api answered {answer.refusal.status}")
        return answer

    async def _public(
        self,
        method: str,
        path: str,
        body: object,
        *,
        address: str,
        bearer: str | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        headers = {
            "X-Forwarded-For": address,
            "X-Service-Authorization": f"Bearer {self.service_token}",
        }
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        url = self.public.rstrip("/") + path
        return await self._guarded(method, url, body, headers, query or {})

    async def _guarded(
        self, method: str, url: str, body: object, headers: Json, query: Json
    ) -> Answer:
        now = asyncio.get_running_loop().time
        if not self.breaker.allows(now()):
            raise SignInUnavailableError("mithril-api did not answer of late")
        try:
            answer = await self._request(method, url, body, headers, query)
        except SignInUnavailableError:
            self.breaker.failed(now())
            raise
        except BaseException:
            self.breaker.released()
            raise
        self.breaker.succeeded()
        return answer

    async def _request(
        self, method: str, url: str, body: object, headers: Json, query: Json
    ) -> Answer:
        try:
            async with (
                asyncio.timeout(self.deadline),
                self.session().request(
                    method,
                    url,
                    json=body,
                    headers=headers,
                    params=query,
                    allow_redirects=False,
                ) as answer,
            ):
                raw = await answer.content.read(_LONGEST_ANSWER)
                return read(answer.status, answer.headers, raw)
        # The cause is left out: an address may hold the value of a mailed link.
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = f"mithril-api did not answer: {type(error).__name__}"
            raise SignInUnavailableError(text) from None
