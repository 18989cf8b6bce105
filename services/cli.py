"""The one `mithril` command: a subcommand a service, and the verbs that run the whole set."""

import asyncio
from typing import Annotated

import typer

from services.abac_api.cli import cli as abac_api
from services.abac_log_consumer.cli import cli as abac_log_consumer
from services.admin_web.cli import cli as admin_web
from services.auth_web.cli import cli as auth_web
from services.documents import cli as documents
from services.emulators.cli import cli as emulators
from services.gatekeeper.cli import cli as gatekeeper
from services.mithril_api.cli import cli as mithril_api
from services.scheduler.cli import cli as scheduler
from services.up.cli import up
from shared.runtime.relay import ask_replay

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
cli.add_typer(mithril_api, name="mithril-api")
cli.add_typer(scheduler, name="mithril-scheduler")
cli.add_typer(abac_api, name="abac-api")
cli.add_typer(abac_log_consumer, name="abac-log-consumer")
cli.add_typer(admin_web, name="admin-web")
cli.add_typer(emulators, name="emulators")
cli.add_typer(gatekeeper, name="gatekeeper")
cli.add_typer(auth_web, name="auth-web")
cli.add_typer(documents, name="docs")
cli.command("up")(up)

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
    asyncio.run(ask_replay(database_url, first=first))
    typer.echo("asked; the relay of the service sends them now, or when it next starts")


def main() -> None:
    """Run the command line."""
    cli()


if __name__ == "__main__":
    main()
