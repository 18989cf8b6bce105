"""The one `mithril` command: a subcommand a service, and the verbs that run the whole set."""

def main() -> None:
    """Run the command line."""
    raise SystemExit("not wired yet")
