"""Move a month that is over into a file with its proof; then drop it from the database."""

import gzip
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import orjson
from sqlalchemy import text

from services.abac_log_consumer.domain import archives
from services.abac_log_consumer.domain.archives import Stretches, TamperedError
from services.abac_log_consumer.domain.signing import SigningKey
from services.abac_log_consumer.store.verifying import Snapshot, snapshot
from shared.runtime import partitions
from shared.runtime.partitions import Partition, Unit
from shared.runtime.postgres import Database, driver_of

_ADD = """
INSERT INTO archives (name, records, file_sha256, runs, key_id, signature, archived_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


class NotArchivedError(Exception):
    """The month stays where it is; the message says why."""


async def months_over(owner: Database, table: str, *, before: datetime) -> list[Partition]:
    """The partitions whose months ended by a moment, oldest first."""
    async with owner.read() as conn:
        found = await partitions.existing(conn, table, Unit.MONTH)
    return [partition for partition in found if partition.end <= before]


async def archive_month(
    owner: Database,
    url: str,
    partition: Partition,
    *,
    directory: Path,
    key: SigningKey,
    now: datetime,
) -> Path:
    """Write `<partition>.ndjson.gz` and its `.proof.json`, then drop the partition.

    Raises:
        NotArchivedError: records are not what their hashes say, or came while it was written.
    """
    file = directory / f"{partition.name}.ndjson.gz"
    try:
        async with snapshot(url, role="") as seen:  # its locks end before the drop
            records, runs = await _write(seen, partition, file)
    except TamperedError as error:
        raise NotArchivedError(f"{partition.name}: {error}") from error
    with file.open("rb") as stream:
        digest = archives.sha256_of(iter(lambda: stream.read(1 << 20), b""))
    proof = archives.proof_of(
        partition.name, records=records, sha256=digest, runs=runs, key=key
    )
    file.with_name(f"{partition.name}.proof.json").write_bytes(
        orjson.dumps(proof, option=orjson.OPT_INDENT_2)
    )
    await _replace(owner, partition, proof, now=now)
    return file


async def _replace(
    owner: Database, partition: Partition, proof: Mapping[str, object], *, now: datetime
) -> None:
    """Keep the proof in the place of the partition."""
    async with owner.begin() as conn:
        driver = driver_of(conn)
        await conn.execute(text("SET LOCAL lock_timeout = '4s'"))
        await driver.execute(f"LOCK TABLE {partition.name} IN SHARE MODE")
        there = await driver.fetchval(f"SELECT count(*) FROM {partition.name}")  # noqa: S608
        if there != proof["records"]:
            raise NotArchivedError(
                f"{partition.name}: records came meanwhile; run it again"
            )
        await driver.execute(
            _ADD,
            partition.name,
            proof["records"],
            bytes.fromhex(str(proof["sha256"])),
            orjson.dumps(proof["runs"]).decode(),
            proof["key_id"],
            bytes.fromhex(str(proof["signature"])),
            now,
        )
        await partitions.retire(conn, partition)
    async with owner.begin() as conn:
        for name in await partitions.retired(conn):
            if name.endswith(partition.name):
                await partitions.remove(conn, name)


async def _write(
    seen: Snapshot, partition: Partition, file: Path
) -> tuple[int, list[dict[str, object]]]:
    records = 0
    runs: list[dict[str, object]] = []
    part = file.with_suffix(".part")
    with gzip.open(part, "wb") as stream:
        for head in await seen.heads():
            if not head.place.topic.startswith(_topics_of(partition.table)):
                continue
            found = Stretches()
            async for links in seen.links_of_partition(partition.name, head.place):
                for link in links:
                    found.add(link)
                    stream.write(archives.line_of(link))
            records += found.records
            runs += [archives.rendered(*head.place, run) for run in found.runs]
    part.rename(file)
    return records, runs


def _topics_of(table: str) -> str:
    return "abac." if table == "decisions" else "mithril."
