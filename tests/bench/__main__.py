"""`make bench`: measure, print one table, exit 1 if a promise is not kept."""

import argparse
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import uvloop

from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench import abac, audit, gatekeeper, importing, oauth2, pages, tokens
from tests.bench.place import Measured, Place, render

_SETTINGS = MappingProxyType({"shared_buffers": "512MB", "max_wal_size": "8GB"})
_PARTS: Mapping[str, Callable[[Place], Awaitable[list[Measured]]]] = MappingProxyType(
    {
        "tokens": tokens.measure,
        "oauth2": oauth2.measure,
        "abac": abac.measure,
        "audit": audit.measure,
        "gatekeeper": gatekeeper.measure,
        "pages": pages.measure,
        "import": importing.measure,
    }
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    parser.add_argument("--only", choices=_PARTS, help="this part alone")
    parser.add_argument(
        "--records",
        type=int,
        default=2_000_000,
        help="of the log in which a patient's history is looked up (promised for 10 000 000)",
    )
    parser.add_argument(
        "--tokens",
        type=int,
        default=200_000,
        help="that move in from the original (promised for 5 000 000)",
    )
    return parser.parse_args()


async def _measured(place: Place, names: list[str]) -> list[Measured]:
    return [line for name in names for line in await _PARTS[name](place)]


def main() -> int:
    """Run it."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="mithril-bench-") as name:
        directory = Path(name)
        with (
            EmbeddedPostgres(directory / "postgres", settings=_SETTINGS) as server,
            EmbeddedKafka() as kafka,
        ):
            place = Place(
                server=server,
                kafka=kafka,
                directory=directory,
                seconds=asked.seconds,
                records=asked.records,
                tokens=asked.tokens,
            )
            names = [asked.only] if asked.only else list(_PARTS)
            lines = uvloop.run(_measured(place, names))
    print(render(lines))
    load = " ".join(f"{share:.1f}" for share in os.getloadavg())
    print(f"load average {load} of {os.cpu_count()} cores, our own included")
    return 1 if any(line.broken for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
