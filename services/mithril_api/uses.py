"""Which connections are in use, remembered beside the hot path and written now and then.

A token request only notes a moment in memory. A background task writes it, at most once an
hour for a connection and process: coarse on purpose, since the answer that operators need is
"this month or never".
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from services.mithril_api.store import connection_use
from shared.models.ids import ConnectionId
from shared.runtime.postgres import Database, DatabaseUnavailableError

COARSE = timedelta(hours=1)
_PAUSE_SECONDS = 30.0


class ConnectionUses:
    """The uses that this process saw. Losing the last of them with the process does no harm."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._noted: dict[ConnectionId, datetime] = {}
        self._waiting: dict[ConnectionId, datetime] = {}

    def note(self, connection_id: ConnectionId, at: datetime) -> None:
        """A secret of the connection was accepted."""
        before = self._noted.get(connection_id)
        if before is None or at - before >= COARSE:
            self._noted[connection_id] = self._waiting[connection_id] = at

    async def write(self) -> None:
        """Write what waits; what cannot be written waits on."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            async with self._db.begin() as conn:
                await connection_use.note(conn, waiting)
        except DatabaseUnavailableError:
            self._waiting = {**waiting, **self._waiting}

    async def run(self, stop: asyncio.Event) -> None:
        """Write again and again, until `stop`, and then once more."""
        while not stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE_SECONDS):
                    await stop.wait()
            await self.write()
