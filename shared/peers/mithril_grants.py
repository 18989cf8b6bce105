"""mithril-api as a confidential client calls it: codes, refresh tokens, sign-out (spec §3)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import aiohttp
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.peers.breaker import Breaker
from shared.peers.mithril_answers import MithrilUnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """An access token, and what it can be refreshed by."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: int  # unix seconds
    user_id: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedGrant:
    """No token; the type and text of the refusal are mithril-api's."""

    status: int
    kind: str
    message: str


GrantVerdict: TypeAlias = Granted | RefusedGrant


class _Details(BaseModel):
    model_config = ConfigDict(extra="ignore")
    scope: str = ""
    refresh_token: str = Field("", repr=False)


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore")
    value: str = Field(repr=False)
    expires_at: int
    user_id: str
    details: _Details


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")
    data: _Data


@dataclass(frozen=True, slots=True, kw_only=True)
class MithrilGrants:
    """Asks the public listener of mithril-api in the name of one client.

    Only a connection that could not be made is tried again: nothing was sent then. While the
    breaker is open no one waits.
    """

    url: str
    session: Callable[[], aiohttp.ClientSession]  # on the running loop, when first used
    client_id: str
    client_secret: str = field(repr=False)
    deadline: float = 5.0
    breaker: Breaker = field(default_factory=Breaker)

    async def exchange_code(
        self, code: str, *, redirect_uri: str, verifier: str, request_id: str
    ) -> GrantVerdict:
        """The tokens of a code; `MithrilUnavailableError` where no answer came."""
        return await self._grant(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            },
            request_id,
        )

    async def refresh(self, refresh_token: str, *, request_id: str) -> GrantVerdict:
        """A new access token."""
        given = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._grant(given, request_id)

    async def log_out(self, access_token: str, *, request_id: str) -> bool:
        """End the session of an access token; whether it was one."""
        headers = {"Authorization": f"Bearer {access_token}"}
        status, _ = await self._post("/auth/logout", {}, headers, request_id)
        return status == 200

    async def _grant(self, given: dict[str, str], request_id: str) -> GrantVerdict:
        token = {**given, "client_id": self.client_id, "client_secret": self.client_secret}
        status, raw = await self._post("/oauth/tokens", {"token": token}, {}, request_id)
        if status != 201:
            return _refused(status, raw)
        try:
            data = _Body.model_validate_json(raw).data
        except ValidationError:
            raise MithrilUnavailableError("mithril-api's answer cannot be read") from None
        return Granted(
            access=data.value,
            refresh=data.details.refresh_token or given.get("refresh_token", ""),
            expires_at=data.expires_at,
            user_id=data.user_id,
            scope=data.details.scope,
        )

    async def _post(
        self,
        path: str,
        body: dict[str, object],
        headers: dict[str, str],
        request_id: str,
    ) -> tuple[int, bytes]:
        now = asyncio.get_running_loop().time
        if not self.breaker.allows(now()):
            raise MithrilUnavailableError("mithril-api did not answer of late")
        sent = {"Content-Type": "application/json", "X-Request-ID": request_id, **headers}

        async def once() -> tuple[int, bytes]:
            async with self.session().post(
                self.url.rstrip("/") + path,
                data=orjson.dumps(body),
                headers=sent,
                allow_redirects=False,
            ) as answer:
                return answer.status, await answer.read()

        try:
            async with asyncio.timeout(self.deadline):
                try:
                    status, raw = await once()
                except aiohttp.ClientConnectorError:
                    status, raw = await once()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.breaker.failed(now())
            text = f"mithril-api did not answer: {type(error).__name__}"
            raise MithrilUnavailableError(text) from None
        except BaseException:
            self.breaker.released()
            raise
        if status == 429 or status >= 500 or 300 <= status < 400:
            self.breaker.failed(now())
            raise MithrilUnavailableError(f"mithril-api answered {status}")
        self.breaker.succeeded()
        return status, raw


def _refused(status: int, raw: bytes) -> RefusedGrant:
    try:
        error = orjson.loads(raw)["error"]
        kind, message = str(error.get("type", "")), str(error.get("message", ""))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        kind, message = "", ""
    return RefusedGrant(status=status, kind=kind, message=message)
