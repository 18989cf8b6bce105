"""The one `mithril` command: a subcommand a service, and the verbs that run the whole set."""

import asyncio
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from services.doctor.cli import doctor
from services.up.cli import up

# Where the subcommands of each are. Imported when called: a process has its own service in it.
SUBCOMMANDS = {
    "mithril-api": "services.mithril_api.cli",
    "mithril-scheduler": "services.scheduler.cli",
    "abac-api": "services.abac_api.cli",
    "abac-log-consumer": "services.abac_log_consumer.cli",
    "gatekeeper": "services.gatekeeper.cli",
    "auth-web": "services.auth_web.cli",
    "admin-web": "services.admin_web.cli",
    "emulators": "services.emulators.cli",
    "import-legacy": "services.mithril_api.cli_legacy",
    "docs": "services.documents",
}


class _Services(TyperGroup):
    """The commands of this module, and those of every service.

    Contexts and commands are `Any`: the classes are private to typer.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name, services first."""
        return [*SUBCOMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; its module is imported now."""
        if cmd_name not in SUBCOMMANDS:
            return super().get_command(ctx, cmd_name)
        found = typer.main.get_command(import_module(SUBCOMMANDS[cmd_name]).cli)
        found.name = cmd_name
        return found


cli = typer.Typer(
    cls=_Services,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.command("up")(up)
cli.command("doctor")(doctor)

outbox = typer.Typer(
    no_args_is_help=True, help="The events that wait for, or went to, Kafka."
)
cli.add_typer(outbox, name="outbox")


@outbox.command("replay")
def replay(
    database_url: Annotated[str, typer.Option(envvar="DATABASE_URL")],
    first: Annotated[
        int, typer.Option(help="Send again from this sequence number on.")
    ] = 0,
) -> None:
    """Have all retained events sent again, to a broker that lost its data."""
    from shared.runtime.relay import ask_replay  # noqa: PLC0415 — as the services above

    asyncio.run(ask_replay(database_url, first=first))
    typer.echo("asked; the relay of the service sends them now, or when it next starts")


def main() -> None:
    """Run the command line."""
    cli()


if __name__ == "__main__":
    main()
