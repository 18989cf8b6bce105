"""Read-only: jobs are listed, none is run."""

from aiohttp.test_utils import TestClient, TestServer

from services.scheduler import app as composition
from services.scheduler.settings import Settings

TOKEN = "service-token-for-tests"


async def test_jobs_are_listed_and_run_neither_by_the_clock_nor_by_hand(
    mithril_database: str,
) -> None:
    settings = Settings(
        database_url=mithril_database, read_only=True, service_tokens=(TOKEN,)
    )
    built = composition.build(settings)
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async with TestClient(TestServer(built.internal), headers=headers) as client:
        listed = await client.get("/jobs")
        refused = await client.post("/jobs/purge-tokens/run")
        ready = await client.get("/readyz")

        assert (listed.status, refused.status, ready.status) == (200, 503, 200)
        assert (await refused.json())["error"]["type"] == "read_only"
        assert refused.headers["Retry-After"] == "30"
    process = await composition.process(settings)
    assert process.background == {}
    await process.close()
    await built.deps.db.dispose()
