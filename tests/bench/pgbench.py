"""PostgreSQL's own rate: pgbench with prepared statements, beside whatever else runs."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from shared.runtime.embedded_postgres import EmbeddedPostgres
from shared.runtime.settings import inherited

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Rate:
    """What pgbench says: transactions a second, and its mean latency in seconds."""

    tps: float
    latency: float


async def run(
    server: EmbeddedPostgres,
    script: str,
    *,
    database: str,
    clients: int,
    seconds: int,
    doctors: int,
) -> Rate:
    """Run one script; fails loudly if a transaction failed.

    Plans are kept, as in our own connections: planned anew each time, PostgreSQL would do
    half as many.
    """
    process = await asyncio.create_subprocess_exec(
        str(server.bin_dir / "pgbench"),
        *("-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "-n"),
        *("-M", "prepared", "-c", str(clients), "-j", str(min(2, clients))),
        *("-T", str(seconds), "-D", f"doctors={doctors}"),
        *("-f", str(_HERE / f"{script}.sql"), database),
        env=inherited() | {"PGOPTIONS": "-c plan_cache_mode=force_generic_plan -c jit=off"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    said = out.decode()
    tps = re.search(r"tps = ([0-9.]+)", said)
    latency = re.search(r"latency average = ([0-9.]+) ms", said)
    if process.returncode or tps is None or latency is None or "ERROR" in err.decode():
        raise RuntimeError(f"pgbench failed: {said}{err.decode()}"[:2000])
    return Rate(float(tps.group(1)), float(latency.group(1)) / 1000)
