"""How any outside system is asked: one deadline, a second try where harmless, a breaker.

What is sent holds codes, numbers and passwords, so nothing of a request or of an answer is in
an error: only the name of the system and the kind of failure.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import orjson
from yarl import URL

from shared.peers.breaker import Breaker

Read = TypeVar("Read")

_BUSY = frozenset({502, 503, 504})
_CUT = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class NoAnswerError(Exception):
    """Nothing usable came back. The message may be logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, whatever it says. What it holds is not for a log."""

    status: int
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """The JSON object of it; `NoAnswerError` where it holds none."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            raise NoAnswerError("its answer cannot be read")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """An outside system over HTTP.

    One deadline covers both tries. A connection that could not be made is tried again, for
    nothing was sent; where asking twice changes nothing (`harmless`), so is an answer that
    was cut, or that says to come again. While the breaker is open no one waits.
    """

    name: str
    url: str
    session: Callable[[], aiohttp.ClientSession]  # on the running loop, when first used
    deadline: float
    harmless: bool
    body_limit: int = 262_144
    breaker: Breaker = field(default_factory=Breaker)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        read: Callable[[Reply], Read],
        json: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Read:
        """What `read` makes of the answer; `NoAnswerError` where there is none to read."""
        now = asyncio.get_running_loop().time
        if not self.breaker.allows(now()):
            raise NoAnswerError(f"{self.name} did not answer of late")

        async def once() -> Reply:
            url = URL(self.url.rstrip("/") + path, encoded=True)
            async with self.session().request(
                method,
                url,
                json=json,
                data=form,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None),
            ) as answer:
                return Reply(status=answer.status, body=await self._body_of(answer))

        try:
            async with asyncio.timeout(self.deadline):
                made = read(await self._twice_at_most(once, method))
        # The cause is left out of each: it may quote the address, or what was sent.
        except NoAnswerError as error:
            self.breaker.failed(now())
            raise NoAnswerError(f"{self.name}: {error}") from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self.breaker.failed(now())
            raise NoAnswerError(f"{self.name}: {type(error).__name__}") from None
        except BaseException:
            self.breaker.released()
            raise
        self.breaker.succeeded()
        return made

    async def _twice_at_most(
        self, once: Callable[[], Awaitable[Reply]], method: str
    ) -> Reply:
        try:
            reply = await once()
        except aiohttp.ClientConnectorError:
            reply = await once()
        except (aiohttp.ClientError, OSError) as error:
            # A GET that was cut before an answer began, the session itself asked again.
            asked_again = method == "GET" and isinstance(error, _CUT)
            if asked_again or not self.harmless:
                raise
            reply = await once()
        else:
            if self.harmless and reply.status in _BUSY:
                reply = await once()
        return reply

    async def _body_of(self, answer: aiohttp.ClientResponse) -> bytes:
        """All of it, up to the limit: a body without end is no answer."""
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > self.body_limit:
                raise NoAnswerError("its answer is too long")
        return bytes(body)


def unexpected(reply: Reply) -> NoAnswerError:
    """What to raise at a status that the contract does not know."""
    return NoAnswerError(f"it answered {reply.status}")
