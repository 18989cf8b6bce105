"""The rung of testcontainers: servers in containers, if a Docker engine answers."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from docker import DockerClient, from_env  # type: ignore[import-untyped]  # ships no types
from docker.errors import DockerException, ImageNotFound  # type: ignore[import-untyped]
from testcontainers.core.container import DockerContainer

from shared.runtime.embedded import free_port
from tests.neighbours.kafka.settings import FOR_TESTS
from tests.neighbours.ladder import Offer, UnavailableError
from tests.neighbours.ready import wait_for_kafka, wait_for_postgres

_ANSWER_SECONDS = 2
_PULL_SECONDS = 180
_START_SECONDS = 60
_POSTGRES_IMAGE = "postgres:18"
_KAFKA_IMAGE = "apache/kafka:4.1.2"


class Container:
    """A server in a container, at a loopback port of this machine which it keeps."""

    def __init__(
        self,
        image: str,
        *,
        address: str,
        port: tuple[int, int],
        environment: dict[str, str],
        command: list[str],
        wait: Callable[[str], None],
    ) -> None:
        inner, outer = port
        self.address = address
        self._wait = wait
        self._container = DockerContainer(image, env=environment)
        if command:
            self._container.with_command(command)
        # Docker takes an address with the port, which testcontainers hands on but does
        # not know of; a bare number would open the port to the whole network.
        self._container.ports[f"{inner}/tcp"] = ("127.0.0.1", outer)  # type: ignore[assignment]

    def create(self) -> None:
        """Run it for the first time and return when it answers."""
        try:
            self._container.start()
            self._wait(self.address)
        except (DockerException, OSError) as failure:
            self.close()
            raise RuntimeError(f"{type(failure).__name__}: {failure}") from failure

    def close(self) -> None:
        """Remove the container."""
        self._container.stop()

    def stop(self) -> None:
        """Stop the process in it; the port and the files stay its own."""
        self._container.get_wrapped_container().stop()

    def kill(self) -> None:
        """Kill the process in it; the port and the files stay its own."""
        self._container.get_wrapped_container().kill()

    def start(self) -> None:
        """Start the process again and return when it answers."""
        self._container.get_wrapped_container().start()
        self._wait(self.address)


def postgres_in_docker() -> Offer[Container]:
    """Run the official image, without a care for its data."""
    _require(_POSTGRES_IMAGE)

    def run(_directory: Path) -> Container:
        port = free_port()
        container = Container(
            _POSTGRES_IMAGE,
            address=f"postgresql://postgres@127.0.0.1:{port}/postgres",
            port=(5432, port),
            environment={"POSTGRES_HOST_AUTH_METHOD": "trust"},
            command=[
                *("-c", "fsync=off"),
                *("-c", "full_page_writes=off"),
                *("-c", "max_connections=200"),
            ],
            wait=lambda url: wait_for_postgres(url, seconds=_START_SECONDS),
        )
        container.create()
        return container

    return Offer(name=f"PostgreSQL (container of {_POSTGRES_IMAGE})", open=run)


def kafka_in_docker() -> Offer[Container]:
    """Run the official image: one broker which is its own controller."""
    _require(_KAFKA_IMAGE)

    def run(_directory: Path) -> Container:
        port = free_port()
        container = Container(
            _KAFKA_IMAGE,
            address=f"127.0.0.1:{port}",
            port=(9092, port),
            environment=_kafka_environment(port),
            command=[],
            wait=lambda bootstrap: wait_for_kafka(
                bootstrap, seconds=_START_SECONDS, alive=lambda: True
            ),
        )
        container.create()
        return container

    return Offer(name=f"Apache Kafka (container of {_KAFKA_IMAGE})", open=run)


def _kafka_environment(port: int) -> dict[str, str]:
    settings = {
        **FOR_TESTS,
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.quorum.voters": "1@localhost:9093",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "INSIDE",
        "listener.security.protocol.map": ",".join(
            f"{listener}:PLAINTEXT" for listener in ("INSIDE", "OUTSIDE", "CONTROLLER")
        ),
        "listeners": "INSIDE://:19092,OUTSIDE://:9092,CONTROLLER://:9093",
        # Transactions make it call itself, and it is not at our port inside.
        "advertised.listeners": f"INSIDE://localhost:19092,OUTSIDE://127.0.0.1:{port}",
    }
    # The image turns `KAFKA_A_B` into `a.b`.
    return {f"KAFKA_{k.upper().replace('.', '_')}": v for k, v in settings.items()}


def _require(image: str) -> None:
    """Make sure that an engine answers and has the image."""
    try:
        with closing(from_env(timeout=_ANSWER_SECONDS)) as engine:
            engine.ping()
    except (DockerException, OSError) as failure:
        raise UnavailableError("no Docker engine answers") from failure
    try:
        with closing(from_env(timeout=_PULL_SECONDS)) as engine:
            _pull_missing(engine, image)
    except (DockerException, OSError) as failure:
        raise UnavailableError(f"Docker has no {image}: {failure}") from failure


def _pull_missing(engine: DockerClient, image: str) -> None:
    try:
        engine.images.get(image)
    except ImageNotFound:
        engine.images.pull(image)
