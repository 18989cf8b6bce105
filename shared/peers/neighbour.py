"""A neighbour of the set, asked on behalf of a user whose access token goes along.

What it answers is given as it is: the console shows it, and decides nothing by it. Refusals
are values; a neighbour that does not answer in time is `NeighbourAwayError`, which names it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import aiohttp
import orjson
from yarl import URL

from shared.peers.breaker import Breaker

_LARGEST = 8 * 1024 * 1024  # a page of a list is far smaller
_CONNECT_SECONDS = 2.0


class NeighbourAwayError(Exception):
    """A neighbour that cannot be asked now. `name` says which."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The parts of an envelope (spec §1.1). `data` may hold a secret that was just made."""

    status: int
    data: Any = field(repr=False)
    paging: Mapping[str, Any]
    urgent: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A refusal: its type, its text, and the entries that it names (spec §1.2)."""

    status: int
    kind: str
    message: str | None = None
    invalid: Sequence[Mapping[str, Any]] = ()
    retry_after: str | None = None


Reply: TypeAlias = Answered | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One service of ours by the address of a listener.

    Reading is tried again where no connection could be made; a change is sent once.
    """

    name: str
    url: str
    session: Callable[[], aiohttp.ClientSession]  # on the running loop, when first used
    deadline: float = 5.0
    breaker: Breaker = field(default_factory=Breaker)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        bearer: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        deadline: float | None = None,
    ) -> Reply:
        """What it answers. The path must be made of what was checked."""
        now = asyncio.get_running_loop().time
        if not self.breaker.allows(now()):
            raise NeighbourAwayError(self.name, "did not answer of late")
        try:
            asked = _Asked(method, path, bearer, query or {}, body)
            reply = await self._reply(asked, deadline or self.deadline)
        except NeighbourAwayError:
            self.breaker.failed(now())
            raise
        except BaseException:
            self.breaker.released()
            raise
        self.breaker.succeeded()
        return reply

    async def _reply(self, asked: "_Asked", deadline: float) -> Reply:
        async def once() -> Reply:
            async with self._request(asked) as answer:
                return _read(self.name, answer, await _limited(self.name, answer))

        # The cause is left out of each: it may quote what was sent.
        try:
            async with asyncio.timeout(deadline):
                try:
                    return await once()
                except aiohttp.ClientConnectorError:
                    return await once()
        except TimeoutError:
            raise NeighbourAwayError(self.name, "did not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NeighbourAwayError(self.name, type(error).__name__) from None

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        bearer: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> AsyncIterator[aiohttp.ClientResponse | Refused]:
        """A long answer as it comes, its head within the deadline; or the refusal."""
        request = self._request(_Asked("GET", path, bearer, query), headers)
        try:
            async with asyncio.timeout(self.deadline):
                answer = await request.__aenter__()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NeighbourAwayError(self.name, type(error).__name__) from None
        try:
            if answer.status == 200:
                yield answer
            else:
                read = _read(self.name, answer, await _limited(self.name, answer))
                if isinstance(read, Answered):
                    raise NeighbourAwayError(self.name, f"answered {answer.status}")
                yield read
        finally:
            answer.close()

    def _request(
        self, asked: "_Asked", headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        kind = {} if asked.body is None else {"Content-Type": "application/json"}
        url = URL(self.url.rstrip("/") + asked.path).with_query(dict(asked.query))
        return self.session().request(
            asked.method,
            url,
            data=None if asked.body is None else orjson.dumps(asked.body),
            headers={"Authorization": f"Bearer {asked.bearer}", **kind, **(headers or {})},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS),
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    method: str
    path: str
    bearer: str = field(repr=False)
    query: Mapping[str, str]
    body: object = field(default=None, repr=False)


async def _limited(name: str, answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > _LARGEST:
            raise NeighbourAwayError(name, "its answer is too long")
    return bytes(body)


def _read(name: str, answer: aiohttp.ClientResponse, raw: bytes) -> Reply:
    if answer.status == 204:
        return Answered(status=204, data=None, paging={}, urgent={})
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = None
    is_away = answer.status >= 500 and not _is_read_only(body)
    if is_away or not isinstance(body, dict):
        raise NeighbourAwayError(name, f"answered {answer.status}")
    if answer.status < 300 and "data" in body:
        return Answered(
            status=answer.status,
            data=body["data"],
            paging=_mapping(body.get("paging")),
            urgent=_mapping(body.get("urgent")),
        )
    error = _mapping(body.get("error"))
    invalid = error.get("invalid")
    message = error.get("message")
    return Refused(
        status=answer.status,
        kind=str(error.get("type", answer.status)),
        message=None if message is None else str(message),
        invalid=tuple(map(_mapping, invalid)) if isinstance(invalid, list) else (),
        retry_after=answer.headers.get("Retry-After"),
    )


def _is_read_only(body: object) -> bool:
    """Whether it is well and refuses changes for a while: no reason to stop asking."""
    return _mapping(_mapping(body).get("error")).get("type") == "read_only"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
