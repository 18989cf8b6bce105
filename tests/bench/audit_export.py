"""A million records exported: how long it takes, and by how much the process grows.

The service runs in a process of its own, so that nobody else's memory is counted; the client, which
throws away what it gets, runs in it too, and is counted.
"""

import asyncio
import sys
import time
from dataclasses import dataclass
from types import SimpleNamespace
from uuid import UUID

import orjson
import psutil
import uvloop
from aiohttp import ClientTimeout
from aiohttp.test_utils import TestClient, TestServer

from services.abac_log_consumer.app import build
from services.abac_log_consumer.domain.filters import FORMATS
from services.abac_log_consumer.handlers import keys
from services.abac_log_consumer.settings import Settings
from shared.peers.mithril import VerifiedToken
from shared.runtime import logging
from tests.bench.audit_records import MONTHS, months
from tests.bench.place import Measured, Place
from tests.bench.targets import Target

EXPORT = Target(
    name="export of 1 000 000 records, growth of the process, MB",
    bound="≤ 50",
    kept=lambda megabytes: megabytes <= 50,
)
_WANTED = 1_000_000
_MEGABYTE = 1 << 20
_NOBODY = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What one export took."""

    records: int
    seconds: float
    size: int
    growth: int  # bytes, at most, from when the first of it arrived


async def measure(place: Place, url: str) -> list[Measured]:
    """A line a format, of as many months of the history as hold a million records."""
    count = min(MONTHS, -(-_WANTED * MONTHS // place.records))
    since = months(count)[-1].start
    lines = []
    for form in FORMATS:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, url, since.isoformat(), form),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        got = Exported(**orjson.loads(out))
        note = (
            f"{form}: {got.records} records, {got.size // _MEGABYTE} MB in "
            f"{got.seconds:.0f} s ({got.records / got.seconds:.0f}/s)"
        )
        lines.append(Measured(target=EXPORT, figure=got.growth / _MEGABYTE, note=note))
    return lines


class _AnyToken(SimpleNamespace):
    """In the place of mithril-api."""

    async def verify(self, *_: object, **__: object) -> VerifiedToken:
        return VerifiedToken(
            token_id=_NOBODY,
            user_id=_NOBODY,
            client_id=_NOBODY,
            scope=frozenset({"abac_log:export"}),
            person_id=None,
            mis_client_id=None,
        )


async def _exported(url: str, since: str, form: str) -> Exported:
    settings = Settings(
        database_url=url, kafka_bootstrap_servers="127.0.0.1:1", signing_key="5a" * 32
    )
    built = build(settings)
    built.public[keys.MITHRIL] = _AnyToken()  # type: ignore[misc]
    process, size, records, most = psutil.Process(), 0, 0, 0
    async with TestClient(TestServer(built.public)) as client:
        started = time.perf_counter()
        answer = await client.get(
            "/api/abac_logs/export",
            params={"from": since, "format": form},
            headers={"Authorization": "Bearer any"},
            timeout=ClientTimeout(total=3600),
        )
        before = 0
        async for chunk in answer.content.iter_any():
            before = before or process.memory_info().rss
            size += len(chunk)
            records += chunk.count(b"\n")
            most = max(most, process.memory_info().rss)
        seconds = time.perf_counter() - started
    await built.deps.db.dispose()
    return Exported(records=records, seconds=seconds, size=size, growth=most - before)


if __name__ == "__main__":
    logging.configure(service="bench", level="error", human=False)
    done = uvloop.run(_exported(*sys.argv[1:]))
    sys.stdout.buffer.write(orjson.dumps(done))
