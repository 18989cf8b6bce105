"""A process is not ready on a database that its release's migrations have not seen."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.runtime.postgres import Database, OldSchemaError, connect
from shared.runtime.revisions import newest


@pytest.fixture
async def db(mithril_database: str) -> AsyncIterator[Database]:
    made = connect(
        mithril_database, pool_size=1, application="tests", schema=newest("mithril_api")
    )
    yield made
    await made.dispose()


async def _at(database: str, statement: str) -> None:
    conn = await asyncpg.connect(database)
    await conn.execute(statement)
    await conn.close()


async def test_a_migrated_database_answers(db: Database) -> None:
    await db.ping()


async def test_one_that_a_later_release_migrated_answers_too(
    db: Database, mithril_database: str
) -> None:
    await _at(mithril_database, "UPDATE alembic_version SET version_num = '9999'")

    await db.ping()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "the database is at 0001"),
        ("DELETE FROM alembic_version", "the database is at no revision"),
        ("DROP TABLE alembic_version", "the database is at no revision"),
    ],
)
async def test_an_older_one_does_not_and_what_to_do_is_said(
    db: Database, mithril_database: str, statement: str, said: str
) -> None:
    await _at(mithril_database, statement)

    with pytest.raises(OldSchemaError, match=f"{said}.* run its migrations"):
        await db.ping()
