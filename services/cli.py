"""The one `mithril` command: a subcommand a service, and the verbs that run the whole set."""

import typer

from services.mithril_api.cli import cli as mithril_api

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
cli.add_typer(mithril_api, name="mithril-api")


def main() -> None:
    """Run the command line."""
    cli()


if __name__ == "__main__":
    main()
