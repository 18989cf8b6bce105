"""Hands owed mails over, for as long as the process runs."""

import asyncio

from services.mithril_api.actions.deliver_mail import Delivery, deliver_mail
from services.mithril_api.deps import Deps
from shared.peers.mailer import Mailer
from shared.runtime import logging
from shared.runtime.postgres import DatabaseUnavailableError

_log = logging.get("postman")


class Postman:
    """Sends what is due, when woken and every few seconds: another replica may have died.

    What it has begun it finishes before it ends; what it has not stays owed.
    """

    def __init__(self, deps: Deps, *, woken: asyncio.Event, idle: float = 2.0) -> None:
        self._deps = deps
        self._woken = woken
        self._idle = idle

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; outlives PostgreSQL and the mail server. Without the latter it rests."""
        mailer = self._deps.mailer
        if mailer is None:
            await stop.wait()
            return
        while not stop.is_set():
            self._woken.clear()
            try:
                await self._round(mailer, stop)
            except DatabaseUnavailableError as error:
                _log.warning("round interrupted", error=str(error))
            await self._rest(stop)

    async def _round(self, mailer: Mailer, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if await deliver_mail(self._deps, mailer) is Delivery.NOTHING_DUE:
                return

    async def _rest(self, stop: asyncio.Event) -> None:
        waits = {asyncio.ensure_future(event.wait()) for event in (stop, self._woken)}
        try:
            await asyncio.wait(
                waits, timeout=self._idle, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
