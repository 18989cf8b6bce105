"""mithril abac-api policies check | explain | replay."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from services.abac_api.cli import cli
from services.abac_api.store.policies import OURS
from tests.integration.abac_api.asking import a_body, an_evaluation, declare, records
from tests.integration.abac_api.conftest import Api


def run(*args: str, stdin: Any = None, url: str = "") -> Result:
    text = None if stdin is None else orjson.dumps(stdin)
    return CliRunner().invoke(cli, args, input=text, env={"DATABASE_URL": url})


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """Give a directory with our policies, to be changed."""
    for path in OURS.glob("*.cedar*"):
        (tmp_path / path.name).write_text(path.read_text())
    return tmp_path


def test_our_policies_pass_their_check() -> None:
    result = run("policies", "check")

    assert (result.exit_code, result.output[:8]) == (0, "16 rules")


def test_a_policy_that_names_what_does_not_exist_fails_the_check(candidate: Path) -> None:
    path = candidate / "rule_4.cedar"
    path.write_text(path.read_text().replace("read_approved_to", "approved_by"))

    result = run("policies", "check", "--policies", str(candidate))

    assert result.exit_code == 1
    assert result.stderr.startswith("rule_4.cedar: ")


@pytest.mark.parametrize("question", [a_body(), an_evaluation()])
async def test_explain_says_of_every_rule_why_and_records_nothing(
    api: Api, abac_database: str, question: dict[str, Any]
) -> None:
    api.clock.advance(timedelta(days=-1))  # the command has the clock of the machine
    await declare(api)

    result = await asyncio.to_thread(run, "explain", stdin=question, url=abac_database)

    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].endswith("permitted by rule_1")
    assert "rule_1 applies" in lines
    assert "rule_3 does not apply" in lines
    assert "        episode = (not known)" in lines
    assert await records(api) == []


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        ([], "no JSON object"),
        ({"consumer": {}}, "$.consumer.user_id: required"),
        ({"subject": {"type": "user"}}, "must be an object"),
    ],
)
def test_explain_says_what_is_wrong_with_a_question(stdin: Any, said: str) -> None:
    result = run("explain", stdin=stdin, url="postgresql://postgres@127.0.0.1:1/abac")

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_explain_without_the_database_says_so() -> None:
    url = "postgresql://postgres@127.0.0.1:1/abac"

    result = run("explain", stdin=a_body(), url=url)

    assert (result.exit_code, result.stderr[:21]) == (1, "the database is away:")


async def test_replay_prints_what_a_candidate_would_decide_otherwise(
    api: Api, abac_database: str, candidate: Path
) -> None:
    await declare(api)
    for body in (a_body(), a_body(contexts=[])):
        await api.public.post("/api/authorize", json=body)
    path = candidate / "rule_1.cedar"
    path.write_text(path.read_text().replace('    ResourceType::"encounter",\n', ""))

    result = await asyncio.to_thread(
        run, "replay", "--policies", str(candidate), url=abac_database
    )

    assert result.exit_code == 0, result.output
    permitted = (await records(api))[0]
    [difference, summary] = result.output.splitlines()
    assert difference == (
        f"{permitted['decided_at']} {permitted['decision_id']} read encounter: "
        "permitted by rule_1 -> refused, no_rule_matched"
    )
    assert summary.startswith("2 decisions, 1 would differ")
    assert summary.endswith("of 0 the facts changed since")


async def test_replay_tells_a_change_of_facts_from_a_change_of_rules(
    api: Api, abac_database: str
) -> None:
    await declare(api)
    await api.public.post("/api/authorize", json=a_body())
    async with api.deps.db.begin() as conn:
        await conn.exec_driver_sql("DELETE FROM declarations")

    result = await asyncio.to_thread(
        run, "replay", "--policies", str(OURS), url=abac_database
    )

    assert "1 decisions, 0 would differ" in result.output
    assert "of 1 the facts changed since" in result.output


async def test_replay_keeps_to_its_time(api: Api, abac_database: str) -> None:
    await api.public.post("/api/authorize", json=a_body())
    late = (api.clock.now() + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")

    result = await asyncio.to_thread(
        run, "replay", "--policies", str(OURS), "--from", late, url=abac_database
    )

    assert result.output.startswith("0 decisions")
