"""The listeners: nothing in public; jobs, their history and a button inside."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.mithril_api.app import build as build_api
from services.scheduler.app import Built
from services.scheduler.jobs import JOBS
from services.scheduler.store import locks
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.conftest import settings_for as api_settings
from tests.integration.scheduler.office import SERVICE_TOKEN, Office

BEARER = {"Authorization": f"Bearer {SERVICE_TOKEN}"}


@pytest.fixture
def built(office: Office) -> Built:
    return office.replica()


@pytest.fixture
async def internal(built: Built) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(built.internal)) as client:
        yield client


async def test_the_public_listener_has_nothing(built: Built) -> None:
    async with TestClient(TestServer(built.public)) as client:
        for path in ("/", "/jobs", "/metrics", "/healthz"):
            answer = await client.get(path, headers=BEARER)
            assert answer.status == 404
            assert (await answer.json())["error"] == {"type": "not_found"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs"),
        ("GET", "/jobs/purge-tokens/runs"),
        ("POST", "/jobs/purge-tokens/run"),
    ],
)
async def test_nobody_may_ask_without_a_credential(
    internal: TestClient[Any, Any], method: str, path: str
) -> None:
    answer = await internal.request(method, path)

    assert answer.status == 401
    assert (await answer.json())["error"]["type"] == "access_denied"


async def test_a_credential_that_nobody_can_verify_now_is_refused(office: Office) -> None:
    built = office.replica(mithril_api_url="http://127.0.0.1:1")
    async with TestClient(TestServer(built.internal)) as client:
        bearer = {"Authorization": f"Bearer {'x' * 32}"}
        assert (await client.get("/jobs", headers=bearer)).status == 503


async def test_in_network_mode_position_is_enough(office: Office) -> None:
    built = office.replica(internal_auth="network")
    async with TestClient(TestServer(built.internal)) as client:
        assert (await client.get("/jobs")).status == 200


async def test_jobs_are_listed_with_their_latest_run(
    office: Office, internal: TestClient[Any, Any]
) -> None:
    run = await office.run("expire-one-time-codes")

    answer = await internal.get("/jobs", headers=BEARER)

    data = (await answer.json())["data"]
    assert [item["name"] for item in data] == [job.name for job in JOBS]
    by_name = {item["name"]: item for item in data}
    assert by_name["purge-tokens"]["retention_days"] == 30
    assert by_name["purge-tokens"]["last_run"] is None
    codes = by_name["expire-one-time-codes"]
    assert codes["last_run"]["id"] == str(run.id)
    assert codes["last_run"]["outcome"] == "succeeded"
    assert codes["next_run_at"] > office.clock.now().isoformat()


async def test_a_job_is_run_and_the_answer_is_what_came_of_it(
    office: Office, internal: TestClient[Any, Any]
) -> None:
    answer = await internal.post("/jobs/trim-job-runs/run", headers=BEARER)

    data = (await answer.json())["data"]
    assert answer.status == 200
    (run_id,) = await office.rows("SELECT id FROM job_runs")
    assert data["id"] == str(run_id)
    assert (data["job"], data["outcome"], data["affected"]) == (
        "trim-job-runs",
        "succeeded",
        0,
    )


async def test_a_job_that_another_process_runs_is_a_conflict(
    office: Office, internal: TestClient[Any, Any]
) -> None:
    async with locks.held(office.url, "trim-job-runs") as ours:
        assert ours
        answer = await internal.post("/jobs/trim-job-runs/run", headers=BEARER)
    assert answer.status == 409
    assert (await answer.json())["error"]["type"] == "request_conflict"


async def test_history_is_paged_latest_first(
    office: Office, internal: TestClient[Any, Any]
) -> None:
    ids = [str((await office.run("trim-job-runs")).id) for _ in range(3)]

    path = "/jobs/trim-job-runs/runs?page=1&page_size=2"
    body = await (await internal.get(path, headers=BEARER)).json()

    assert [item["id"] for item in body["data"]] == ids[:0:-1]
    assert body["paging"] == {
        "page_number": 1,
        "page_size": 2,
        "total_entries": 3,
        "total_pages": 2,
    }


@pytest.mark.parametrize(
    "query", ["page=0", "page_size=501", "page=x", "page=٣", "page=" + "9" * 30]
)
async def test_a_page_that_cannot_be_is_refused_by_name(
    internal: TestClient[Any, Any], query: str
) -> None:
    answer = await internal.get(f"/jobs/trim-job-runs/runs?{query}", headers=BEARER)
    assert answer.status == 422
    (invalid,) = (await answer.json())["error"]["invalid"]
    assert invalid["entry"] == f"$.{query.partition('=')[0]}"


async def test_an_unknown_job_is_not_found(internal: TestClient[Any, Any]) -> None:
    assert (await internal.get("/jobs/nothing/runs", headers=BEARER)).status == 404
    assert (await internal.post("/jobs/nothing/run", headers=BEARER)).status == 404


async def test_probes_and_metrics_are_open(internal: TestClient[Any, Any]) -> None:
    assert (await internal.get("/healthz")).status == 200
    assert (await internal.get("/readyz")).status == 200
    metrics = await (await internal.get("/metrics")).text()
    assert "mithril_job_runs" in metrics


async def test_the_end_of_the_listener_asks_jobs_to_stop(built: Built) -> None:
    async with TestClient(TestServer(built.internal)):
        assert not built.deps.stop.is_set()
    assert built.deps.stop.is_set()


class TestOperators:
    """An operator by access token, which mithril-api verifies."""

    @pytest.fixture
    async def operator(self, office: Office) -> AsyncIterator[tuple[str, World]]:
        """The address of mithril-api's internal listener, and who the operator is."""
        api = build_api(api_settings(office.url), clock=office.clock)
        async with TestServer(api.internal) as server:
            yield str(server.make_url("/")), await a_world(api.deps)
        await api.deps.db.dispose()
        api.deps.passwords.close()

    @pytest.mark.parametrize(
        ("scope", "listed", "run"),
        [
            (("scheduler:read", "scheduler:run"), 200, 200),
            (("scheduler:read",), 200, 403),
            (("job:read", "user:write"), 403, 403),  # `job:read` is of other jobs
        ],
    )
    async def test_the_scope_decides_and_the_history_says_who(
        self,
        office: Office,
        operator: tuple[str, World],
        scope: tuple[str, ...],
        listed: int,
        run: int,
    ) -> None:
        url, world = operator
        token = a_token(
            office.api, TokenName.ACCESS, world.user_id, world.client_id, scope=scope
        )
        await store(office.api, token)
        headers = {"Authorization": f"Bearer {token.value}"}
        built = office.replica(mithril_api_url=url)
        async with TestClient(TestServer(built.internal)) as client:
            assert (await client.get("/jobs", headers=headers)).status == listed
            answer = await client.post("/jobs/trim-job-runs/run", headers=headers)
            assert answer.status == run
            if run == 200:
                details = (await answer.json())["data"]["details"]
                assert details["actor_id"] == str(world.user_id)

    async def test_a_token_that_is_none_is_refused(
        self, office: Office, operator: tuple[str, World]
    ) -> None:
        built = office.replica(mithril_api_url=operator[0])
        async with TestClient(TestServer(built.internal)) as client:
            headers = {"Authorization": f"Bearer {'x' * 32}"}
            assert (await client.get("/jobs", headers=headers)).status == 401
