"""mithril abac-api policies check | explain | replay."""

import asyncio
import sys
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer

from services.abac_api.actions.explain_decision import explain_decision
from services.abac_api.actions.replay_decisions import Replayed, replay
from services.abac_api.domain.explain import Explanation
from services.abac_api.domain.policies import Policies, PolicyError, compiled
from services.abac_api.domain.questions import Question
from services.abac_api.domain.verdicts import Decision
from services.abac_api.handlers import authorize, authzen_bodies
from services.abac_api.store.policies import OURS, read
from shared.runtime.clock import SystemClock
from shared.runtime.postgres import DatabaseUnavailableError, connect
from shared.wire.envelope import Invalid, Problem

policies = typer.Typer(no_args_is_help=True, help="The rules of access.")

Result = TypeVar("Result")

DatabaseUrl = Annotated[str, typer.Option(envvar="DATABASE_URL")]
Directory = Annotated[
    Path, typer.Option("--policies", help="Where the policies are; ours if not said.")
]


@policies.command("check")
def check_command(directory: Directory = OURS) -> None:
    """Validate the policies against their schema. Exit 1 with everything that is wrong."""
    rules = _compiled(directory)
    count, types = len(rules.rules), len(rules.resource_types)
    typer.echo(f"{count} rules on {types} types of resource, version {rules.version}")


def explain_command(database_url: DatabaseUrl, directory: Directory = OURS) -> None:
    """Explain the decision of a question on standard input: every rule, and why (not).

    The question is a body of POST /api/authorize or of AuthZEN's evaluation. Nothing is
    recorded.
    """
    rules, question = _compiled(directory), _question(sys.stdin.buffer.read())

    async def run() -> Explanation:
        db = connect(database_url, pool_size=1, application="abac-api explain")
        try:
            return await explain_decision(db, question, rules, now=SystemClock().now())
        finally:
            await db.dispose()

    for line in _explanation(_run(run()), question):
        typer.echo(line)


def replay_command(
    database_url: DatabaseUrl,
    directory: Annotated[
        Path, typer.Option("--policies", help="The candidate set of policies.")
    ],
    since: Annotated[
        datetime | None, typer.Option("--from", help="UTC; a day ago if not said.")
    ] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="UTC; now.")] = None,
) -> None:
    """Run logged decisions through a candidate set of policies and print the difference.

    Decisions are read from the outbox, which keeps them for its retention.
    """
    now = SystemClock().now()
    in_force, candidate = _compiled(OURS), _compiled(directory)
    start = now - timedelta(days=1) if since is None else _utc(since, now)
    end = now if until is None else _utc(until, now)

    async def run() -> Counter[str]:
        db = connect(database_url, pool_size=1, application="abac-api replay")
        counts: Counter[str] = Counter()
        try:
            async for item in replay(
                db, in_force=in_force, candidate=candidate, since=start, until=end
            ):
                counts["all"] += 1
                counts["moved"] += item.facts_changed
                if item.differs:
                    counts["differ"] += 1
                    typer.echo(_difference(item))
        finally:
            await db.dispose()
        return counts

    counts = _run(run())
    typer.echo(
        f"{counts['all']} decisions, {counts['differ']} would differ under "
        f"{candidate.version} (in force: {in_force.version}); of {counts['moved']} the "
        "facts changed since"
    )


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return asyncio.run(work)
    except DatabaseUnavailableError as error:
        typer.echo(f"the database is away: {error}", err=True)
        raise typer.Exit(1) from None


def _compiled(directory: Path) -> Policies:
    try:
        return compiled(read(directory))
    except PolicyError as error:
        for line in error.errors:
            typer.echo(line, err=True)
        raise typer.Exit(1) from None


def _question(raw: bytes) -> Question:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"standard input is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter("standard input is no JSON object")
    try:
        if "subject" in value:
            return authzen_bodies.question_of(value)
        return authorize.question_of(value)
    except authzen_bodies.MalformedError as error:
        raise typer.BadParameter(str(error)) from None
    except Problem as problem:
        texts = [
            f"{item.entry}: {item.rule}: {item.description}"
            for item in problem.invalid
            if isinstance(item, Invalid)
        ]
        raise typer.BadParameter("; ".join(texts)) from None


def _utc(moment: datetime, now: datetime) -> datetime:
    return moment.replace(tzinfo=now.tzinfo) if moment.tzinfo is None else moment


def _explanation(found: Explanation, question: Question) -> list[str]:
    resource = question.resource
    which = "a list" if resource.id is None else str(resource.id)
    lines = [f"{resource.action} {resource.type} ({which}): {_said(found.decision)}"]
    if found.contradiction is not None:
        lines.append(f"the question cannot be so: {found.contradiction}")
    for rule in found.rules:
        lines.append(f"{rule.rule} {'applies' if rule.applies else 'does not apply'}")
        for condition in rule.conditions:
            lines.append(f"  [{'x' if condition.holds else ' '}] {condition.text}")
            lines += [
                f"        {name.removeprefix('context.')} = {_shown(value)}"
                for name, value in condition.looked_at.items()
            ]
    return lines


def _difference(item: Replayed) -> str:
    logged, resource = item.logged, item.logged.question.resource
    return (
        f"{logged.decided_at.isoformat()} {logged.decision_id} {resource.action} "
        f"{resource.type}: {_said(item.in_force)} -> {_said(item.candidate)}"
    )


def _said(decision: Decision) -> str:
    if decision.result:
        return f"permitted by {', '.join(decision.rules)}"
    return f"refused, {decision.reason}"


def _shown(value: Any) -> str:
    return "(not known)" if value is None else orjson.dumps(value).decode()
