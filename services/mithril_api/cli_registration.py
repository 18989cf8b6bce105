"""mithril mithril-api registration-tokens: by which clients may register themselves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from services.mithril_api.actions.oauth2 import initial_tokens
from services.mithril_api.app import build
from services.mithril_api.deps import Deps
from services.mithril_api.settings import Settings
from services.mithril_api.store import registrations
from services.mithril_api.store.registrations import InitialToken
from shared.runtime.settings import load_or_exit

registration = typer.Typer(
    no_args_is_help=True, help="The tokens by which clients may register themselves."
)


@registration.command("make")
def make_command(
    note: Annotated[str, typer.Argument(help="Who gets it, and what for.")],
    uses: Annotated[int, typer.Option(min=1, max=1_000_000, help="So many clients.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=366, help="For which it works.")] = 7,
) -> None:
    """Make one (RFC 7591 §3). It is shown once."""
    lives = timedelta(days=days)
    made = make(load_or_exit(Settings), note, uses=uses, lives=lives)
    typer.echo(asyncio.run(made))


@registration.command("list")
def list_command() -> None:
    """Show them: how often each still serves, until when, and what it is for."""
    for item in asyncio.run(known(load_or_exit(Settings))):
        until = f"{item.expires_at:%Y-%m-%d %H:%M}"
        typer.echo(f"{item.id}  {item.uses_left:7} left  until {until}  {item.note}")


@registration.command("remove")
def remove_command(token_id: UUID) -> None:
    """Take one back. Clients that it registered stay. Exit 1 if there is none."""
    gone = asyncio.run(remove(load_or_exit(Settings), token_id))
    typer.echo("removed" if gone else "there is no such token")
    raise typer.Exit(0 if gone else 1)


async def make(settings: Settings, note: str, *, uses: int, lives: timedelta) -> str:
    """A new token: its value."""
    async with _at_hand(settings) as deps:
        return await initial_tokens.make(deps, note, uses=uses, lives=lives)


async def known(settings: Settings) -> Sequence[InitialToken]:
    """All that there are."""
    async with _at_hand(settings) as deps, deps.db.read() as conn:
        return await registrations.tokens(conn)


async def remove(settings: Settings, token_id: UUID) -> bool:
    """It serves no more. False: there is none."""
    async with _at_hand(settings) as deps, deps.db.begin() as conn:
        return await registrations.remove_token(conn, token_id)


@asynccontextmanager
async def _at_hand(settings: Settings) -> AsyncIterator[Deps]:
    """What an action needs, for one command."""
    built = build(settings)
    try:
        yield built.deps
    finally:
        await built.deps.db.dispose()
        built.deps.passwords.close()
