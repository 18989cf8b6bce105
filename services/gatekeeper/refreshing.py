"""Refreshes the tokens of a session once, however many of its requests find them due."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from services.gatekeeper.domain.sessions import Session
from shared.peers.mithril import MithrilUnavailableError
from shared.peers.mithril_grants import Granted, GrantVerdict, MithrilGrants

_REMEMBERED_SECONDS = 30.0  # a page's other requests still come with the former cookie
_MOST = 10_000

_Pair = tuple[str, str]


@dataclass(slots=True)
class Refresher:
    """Single flight per process; two processes get tokens of one family, which both work."""

    grants: MithrilGrants
    _flights: "dict[_Pair, asyncio.Task[GrantVerdict]]" = field(default_factory=dict)
    _done: "OrderedDict[_Pair, tuple[float, Granted]]" = field(default_factory=OrderedDict)

    async def refresh(self, session: Session, *, request_id: str) -> GrantVerdict:
        """New tokens for a session; `MithrilUnavailableError` where no answer came."""
        pair = (session.access, session.refresh)
        done = self._done.get(pair)
        if done is not None and asyncio.get_running_loop().time() < done[0]:
            return done[1]
        flight = self._flights.get(pair)
        if flight is None:
            flight = asyncio.create_task(self._fly(pair, request_id), name="refresh")
            self._flights[pair] = flight
            flight.add_done_callback(_looked_at)
        return await asyncio.shield(flight)

    async def _fly(self, pair: _Pair, request_id: str) -> GrantVerdict:
        try:
            verdict = await self.grants.refresh(pair[1], request_id=request_id)
        finally:
            del self._flights[pair]
        if isinstance(verdict, Granted):
            until = asyncio.get_running_loop().time() + _REMEMBERED_SECONDS
            self._done[pair] = (until, verdict)
            if len(self._done) > _MOST:
                self._done.popitem(last=False)
        return verdict


def _looked_at(flight: "asyncio.Task[GrantVerdict]") -> None:
    """Whoever waited may have gone away, and then nobody asks how it ended."""
    if not flight.cancelled():
        error = flight.exception()
        if error is not None and not isinstance(error, MithrilUnavailableError):
            raise error
