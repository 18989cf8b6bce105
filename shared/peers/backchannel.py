"""Clients' own addresses for logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.5).

An operator registered each. Redirects are not followed, and of an answer only the status is
read: nobody leads us anywhere, and nothing that is there comes back.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from shared.peers.breaker import Breaker

_AGAIN = frozenset({408, 425, 429})


class LogoutNotTakenError(Exception):
    """Nobody took it this time. The text may be logged."""


class LogoutRefusedError(Exception):
    """The client will not take it: sending it again changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backchannel:
    """Sends logout tokens. A client that is away keeps nobody else from hearing."""

    session: Callable[[], aiohttp.ClientSession]
    deadline: float
    breakers: dict[str, Breaker] = field(default_factory=dict)

    async def send(self, uri: str, token: str) -> None:
        """Hand it over; raises where it was not taken."""
        breaker = self.breakers.setdefault(uri, Breaker(rest=10.0))
        now = asyncio.get_running_loop().time
        if not breaker.allows(now()):
            raise LogoutNotTakenError("the client did not answer of late")
        try:
            status = await self._status(uri, token)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            breaker.failed(now())
            raise LogoutNotTakenError(type(error).__name__) from None
        except BaseException:
            breaker.released()
            raise
        if status >= 500 or status in _AGAIN:
            breaker.failed(now())
            raise LogoutNotTakenError(f"answered {status}")
        breaker.succeeded()
        if not 200 <= status < 300:
            raise LogoutRefusedError(f"answered {status}")

    async def _status(self, uri: str, token: str) -> int:
        async with (
            asyncio.timeout(self.deadline),
            self.session().post(
                URL(uri, encoded=True),
                data={"logout_token": token},
                headers={"Accept": "*/*"},
                allow_redirects=False,
            ) as answer,
        ):
            answer.close()  # whatever it says, nobody reads it
            return answer.status
