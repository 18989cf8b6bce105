"""mithril abac-api facts load: a file of facts, with good lines and bad ones."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from services.abac_api.domain.told import Kind, Told
from services.abac_api.store import facts
from services.cli import cli
from shared.runtime.postgres import connect


def a_job(**but: Any) -> dict[str, Any]:
    fact = {"user_id": str(uuid4()), "legal_entity_id": str(uuid4()), "is_active": True}
    return {"kind": "employee", "id": str(uuid4()), "fact": fact, **but}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "facts.ndjson"


async def load(url: str, file: Path, *lines: object, batch: int = 2) -> Result:
    file.write_bytes(
        b"".join(
            (line if isinstance(line, bytes) else orjson.dumps(line)) + b"\n"
            for line in lines
        )
    )
    arguments = ["abac-api", "facts", "load", str(file), "--batch", str(batch)]
    environment = {"DATABASE_URL": url}
    return await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=environment)


async def held(url: str, line: dict[str, Any]) -> Told | None:
    db = connect(url, pool_size=1, application="test")
    try:
        async with db.read() as conn:
            return await facts.find(conn, Kind(line["kind"]), UUID(line["id"]))
    finally:
        await db.dispose()


async def test_every_line_is_kept_over_several_batches(
    abac_database: str, file: Path
) -> None:
    lines = [a_job() for _ in range(5)]

    result = await load(abac_database, file, *lines)

    assert result.exit_code == 0, result.output
    assert "5 kept, 0 not newer than what is held, 0 bad lines" in result.output
    assert [(await held(abac_database, line)) is None for line in lines] == [False] * 5


async def test_bad_lines_are_named_and_the_others_kept(
    abac_database: str, file: Path
) -> None:
    first, last = a_job(), a_job()

    result = await load(
        abac_database,
        file,
        first,
        b"{",
        b"",
        b"[]",
        a_job(kind="referral"),
        a_job(fact={"user_id": 7, "is_active": True}),
        a_job(id="7", fact=None),
        a_job(withdrawn=True),
        a_job(at="9999-01-01T00:00:00Z"),
        b'{"kind": "\xff"}',
        last,
    )

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "line 2: no JSON",
        "line 4: $ is no JSON object",
        "line 5: $.kind is invalid",
        "line 6: $.fact.user_id is invalid; $.fact.legal_entity_id can't be blank",
        "line 7: $.id is invalid",
        "line 8: $ must have either `fact` or `withdrawn`",
        "line 9: $.at must not be in the future",
        "line 10: no JSON",
    ]
    assert "2 kept, 0 not newer than what is held, 8 bad lines" in result.stdout
    assert await held(abac_database, first)
    assert await held(abac_database, last)


async def test_of_two_lines_about_one_thing_the_later_is_believed(
    abac_database: str, file: Path
) -> None:
    job = a_job()
    ended = {**job, "fact": {**job["fact"], "is_active": False}}

    await load(abac_database, file, job, a_job(), ended)

    found = await held(abac_database, job)
    assert found is not None
    assert getattr(found.fact, "is_active", None) is False


async def test_a_line_may_withdraw_and_may_say_its_time(
    abac_database: str, file: Path
) -> None:
    job = a_job(at="2026-01-02T00:00:00Z")
    end = {"kind": "employee", "id": job["id"], "withdrawn": True}
    older = {**end, "at": "2026-01-01T00:00:00Z"}

    assert "1 kept, 1 not newer" in (await load(abac_database, file, job, older)).output
    assert "1 kept, 0 not newer" in (await load(abac_database, file, end)).output
    found = await held(abac_database, job)
    assert found is not None
    assert found.fact is None


async def test_a_line_that_the_database_refuses_spares_its_neighbours(
    abac_database: str, file: Path
) -> None:
    lines = [a_job() for _ in range(4)]
    db = connect(abac_database, pool_size=1, application="test")
    async with db.begin() as conn:
        check = f"ALTER TABLE employees ADD CHECK (id <> '{lines[1]['id']}')"
        await conn.execute(text(check))
    await db.dispose()

    result = await load(abac_database, file, *lines, batch=4)

    assert result.exit_code == 1
    assert result.stderr.splitlines() == ["line 2: refused by the database"]
    assert [await held(abac_database, line) is not None for line in lines] == [
        True,
        False,
        True,
        True,
    ]


async def test_a_database_that_is_away_is_said_in_one_line(file: Path) -> None:
    result = await load("postgresql://nobody@127.0.0.1:1/abac", file, a_job())

    assert result.exit_code == 1
    assert result.stderr.startswith("database is away: ")
    assert len(result.stderr.splitlines()) == 1
