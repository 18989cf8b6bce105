"""mithril-api as its neighbours call it: is this access token good, and whose is it (spec §7.1)."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import UUID

import aiohttp
import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from yarl import URL

from shared.models.scopes import narrowed, scope_list, scope_set
from shared.peers.breaker import Breaker

# A bearer credential (RFC 6750 §2.1); one of dots alone would name another path.
_CREDENTIAL = re.compile(r"^(?!\.+\Z)[A-Za-z0-9._~+/-]{1,512}=*\Z")
_SERVICE_TOKEN_REFUSED = frozenset(
    {
        "Invalid access token",
        "Authorization header is not set or doesn't contain Bearer token",
    }
)


class MithrilUnavailableError(Exception):
    """mithril-api cannot be asked: nothing is known of the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedToken:
    """A live access token: whose it is, and how far it goes (narrowed to what a broker may)."""

    token_id: UUID
    user_id: UUID
    client_id: UUID
    scope: frozenset[str]
    person_id: UUID | None  # of a patient's own token
    mis_client_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedToken:
    """No live access token; `reason` is the type of mithril-api's refusal."""

    reason: str


Verdict: TypeAlias = VerifiedToken | RefusedToken


class _Details(BaseModel):
    model_config = ConfigDict(extra="ignore")
    client_id: UUID
    scope: str = ""
    broker_scope: str | None = None


class _User(BaseModel):
    model_config = ConfigDict(extra="ignore")
    person_id: str | None = None


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: UUID
    user_id: UUID
    details: _Details
    user: _User = _User()


class _Urgent(BaseModel):
    model_config = ConfigDict(extra="ignore")
    mis_client_id: UUID | None = None


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")
    data: _Data
    urgent: _Urgent = _Urgent()


@dataclass(frozen=True, slots=True, kw_only=True)
class MithrilApi:
    """Asks the internal listener of mithril-api. Token values go nowhere but there.

    One deadline covers both tries; only a connection that was refused or cut is tried again,
    since asking twice changes nothing (one that was cut, by the session itself). While the
    breaker is open no one waits.
    """

    url: str
    session: Callable[
        [], aiohttp.ClientSession
    ]  # made on the running loop, when first used
    service_token: str = field(repr=False)
    deadline: float = 2.0
    breaker: Breaker = field(default_factory=Breaker)

    async def verify(self, token: str, *, api_key: str | None = None) -> Verdict:
        """The verdict on a token; `MithrilUnavailableError` where none can be had."""
        if _CREDENTIAL.match(token) is None:
            return RefusedToken(reason="malformed")
        now = asyncio.get_running_loop().time
        if not self.breaker.allows(now()):
            raise MithrilUnavailableError("mithril-api did not answer of late")
        try:
            verdict = await self._verdict(token, api_key)
        except MithrilUnavailableError:
            self.breaker.failed(now())
            raise
        except BaseException:
            self.breaker.released()
            raise
        self.breaker.succeeded()
        return verdict

    async def _verdict(self, token: str, api_key: str | None) -> Verdict:
        try:
            async with asyncio.timeout(self.deadline):
                try:
                    status, body = await self._get(token, api_key)
                except aiohttp.ClientConnectorError:
                    status, body = await self._get(token, api_key)
        # The cause is left out of each: the address asked for has the token in it.
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = f"mithril-api did not answer: {type(error).__name__}"
            raise MithrilUnavailableError(text) from None
        return _read(status, body)

    async def _get(self, token: str, api_key: str | None) -> tuple[int, bytes]:
        path = f"/admin/tokens/{quote(token, safe='')}/verify"
        headers = {"Authorization": f"Bearer {self.service_token}"}
        if api_key is not None:
            headers["api-key"] = api_key
        url = URL(self.url.rstrip("/") + path, encoded=True)
        async with self.session().get(
            url, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status, await answer.read()


def _read(status: int, raw: bytes) -> Verdict:
    if status == 200:
        return _verified(raw)
    if status not in {401, 404, 422}:
        raise MithrilUnavailableError(f"mithril-api answered {status}")
    error = _error_of(raw)
    if status == 401 and error.get("message") in _SERVICE_TOKEN_REFUSED:
        raise MithrilUnavailableError("mithril-api refuses our service token")
    return RefusedToken(reason=str(error.get("type", status)))


def _verified(raw: bytes) -> VerifiedToken:
    try:
        body = _Body.model_validate_json(raw)
    except ValidationError:
        raise MithrilUnavailableError("mithril-api's answer cannot be read") from None
    details = body.data.details
    scope = scope_list(details.scope)
    if details.broker_scope is not None:
        scope = narrowed(scope, scope_set(details.broker_scope))
    return VerifiedToken(
        token_id=body.data.id,
        user_id=body.data.user_id,
        client_id=details.client_id,
        scope=frozenset(scope),
        person_id=_person(body.data.user.person_id),
        mis_client_id=body.urgent.mis_client_id,
    )


def _person(text: str | None) -> UUID | None:
    """The person of the MPI that a user is, if any; a text that is no id names nobody."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _error_of(raw: bytes) -> dict[str, Any]:
    try:
        error = orjson.loads(raw)["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}
