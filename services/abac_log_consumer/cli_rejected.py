"""mithril abac-log-consumer rejected list, rejected retry."""

import asyncio

import typer

from services.abac_log_consumer import app as composition
from services.abac_log_consumer.actions.retry_rejected import (
    Retried,
    list_rejected,
    retry_rejected,
)
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.chain import chain_id
from services.abac_log_consumer.settings import Settings
from services.abac_log_consumer.store.rejected import Rejected
from shared.runtime.settings import load_or_exit

rejected = typer.Typer(
    no_args_is_help=True, help="Records that could not be understood, kept as they came."
)


@rejected.command("list")
def list_command() -> None:
    """Print them, a line each: where from, why, and what has become of it."""
    asyncio.run(_list(composition.build(load_or_exit(Settings)).deps))


@rejected.command("retry")
def retry_command() -> None:
    """Record those that this version understands; safe to run again. Exit 0 either way."""
    done = asyncio.run(_retry(composition.build(load_or_exit(Settings)).deps))
    typer.echo(
        f"{done.recorded} recorded, {done.known} were in the log, {done.unreadable} still "
        f"cannot be understood, {done.refused} refused by the database"
    )


async def _list(deps: Deps) -> None:
    try:
        async for item, state in list_rejected(deps):
            typer.echo(f"{_line(item)}\t{state}")
    finally:
        await deps.db.dispose()


async def _retry(deps: Deps) -> Retried:
    try:
        return await retry_rejected(deps)
    finally:
        await deps.db.dispose()


def _line(item: Rejected) -> str:
    raw = item.delivered
    source = "-" if item.source is None else f"{item.source} {item.source_sequence}"
    place = f"{chain_id(raw.topic, raw.partition)} {raw.offset}"
    return f"{item.rejected_at.isoformat()}\t{place}\t{source}\t{item.why}"
