"""Start the set, keep it running, stop it: PostgreSQL, Kafka, migrations, demo data, services."""

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.up import demo, table
from services.up.children import Child, ChildDiedError, Service
from services.up.state import Secrets, StateDirectory
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.embedded_postgres import EmbeddedPostgres
from shared.runtime.entropy import SystemEntropy
from shared.runtime.relay import ask_replay
from shared.runtime.settings import inherited

DATABASES = ("mithril", "abac", "audit")
SERVICES = (
    Service(
        name="mithril-api", number=0, command=("mithril-api", "serve"), database="mithril"
    ),
    Service(
        name="mithril-scheduler",
        number=1,
        command=("mithril-scheduler", "serve"),
        database="mithril",
    ),
    Service(name="abac-api", number=2, command=("abac-api", "serve"), database="abac"),
    Service(
        name="abac-log-consumer",
        number=3,
        command=("abac-log-consumer", "serve"),
        database="audit",
    ),
)
# Who owns a database migrates it.
_OWNERS = tuple(
    service
    for service in SERVICES
    if service.name in {"mithril-api", "abac-api", "abac-log-consumer"}
)
_PORT_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """What the services are told about the servers they use."""

    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka
    secrets: Secrets

    def database_urls(self) -> dict[str, str]:
        """The address of each database."""
        return {name: self.postgres.url(name) for name in DATABASES}

    def environment(self, service: Service, *, base: int) -> dict[str, str]:
        """The environment of a service and of its commands."""
        public, internal = service.ports(base)
        return {
            "DATABASE_URL": self.postgres.url(service.database),
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "MITHRIL_SECRET_KEYS": self.secrets.secret_key,
            "MITHRIL_SERVICE_TOKENS": self.secrets.service_token,
            "MITHRIL_AUDIT_SIGNING_KEY": self.secrets.audit_signing_key,
            "MITHRIL_API_URL": SERVICES[0].addresses(base)["internal"],
            "MITHRIL_LOG_FORMAT": "json",
            "MITHRIL_PORT": str(public),
            "MITHRIL_INTERNAL_PORT": str(internal),
        }


async def run(state_dir: Path, *, base: int) -> None:
    """Run the set until SIGINT or SIGTERM; `ChildDiedError` if a part of it dies."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    state = StateDirectory(state_dir)
    with (
        EmbeddedPostgres(state.path / "postgres") as postgres,
        EmbeddedKafka() as kafka,
    ):
        state.endpoints.unlink(missing_ok=True)  # nobody else runs this set: see `postgres`
        secrets = state.secrets(SystemEntropy())
        neighbours = Neighbours(postgres=postgres, kafka=kafka, secrets=secrets)
        await _prepare(neighbours, base=base)
        children: list[Child] = []
        try:
            await _start(neighbours, state, children, base=base, stop=stop)
            if not stop.is_set():
                await _watch(neighbours, children, stop)
        finally:
            state.endpoints.unlink(missing_ok=True)
            await asyncio.gather(*(child.stop() for child in children))


async def _prepare(neighbours: Neighbours, *, base: int) -> None:
    for name in DATABASES:
        await asyncio.to_thread(neighbours.postgres.create_database, name)
    await _ports_are_free(SERVICES, base)
    await asyncio.gather(
        *(_command(owner, "migrate", neighbours, base=base) for owner in _OWNERS)
    )
    # The embedded broker keeps nothing: what is retained in the outboxes fills it again.
    for url in neighbours.database_urls().values():
        await ask_replay(url)


async def _start(
    neighbours: Neighbours,
    state: StateDirectory,
    children: list[Child],
    *,
    base: int,
    stop: asyncio.Event,
) -> None:
    for service in SERVICES:
        environment = neighbours.environment(service, base=base)
        log = state.logs / f"{service.name}.log"
        children.append(await Child.start(service, environment=environment, log=log))
    if not await _ready(children, stop, base=base):
        return
    addresses = {service.name: service.addresses(base) for service in SERVICES}
    made = await demo.prepare(
        state, addresses, service_token=neighbours.secrets.service_token
    )
    state.write(
        state.endpoints.name,
        {
            "services": addresses,
            "database_urls": neighbours.database_urls(),
            "kafka_bootstrap": neighbours.kafka.bootstrap,
            "demo": made,
        },
    )
    print(  # noqa: T201 — the one thing this command is to say
        table.render(
            addresses, neighbours.database_urls(), neighbours.kafka.bootstrap, made
        ),
        flush=True,
    )


async def _ready(children: Sequence[Child], stop: asyncio.Event, *, base: int) -> bool:
    """Wait for every service; false if we are to stop before."""
    ready = asyncio.create_task(_all_ready(children, base=base))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([ready, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        ready.cancel()
        return False
    stopping.cancel()
    await ready
    return True


async def _all_ready(children: Sequence[Child], *, base: int) -> bool:
    await asyncio.gather(*(child.ready(base) for child in children))
    return True


async def _watch(
    neighbours: Neighbours, children: Sequence[Child], stop: asyncio.Event
) -> None:
    waits = {asyncio.ensure_future(child.process.wait()): child for child in children}
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            await asyncio.wait(
                [stopping, *waits], timeout=1, return_when=asyncio.FIRST_COMPLETED
            )
            if stop.is_set():
                return
            for wait, child in waits.items():
                if wait.done():
                    raise child.death()
            if not neighbours.postgres.running:
                raise ChildDiedError(f"PostgreSQL ended; see {neighbours.postgres.log}")
            if not neighbours.kafka.running:
                raise ChildDiedError("the embedded Kafka ended")
    finally:
        for wait in (stopping, *waits):
            wait.cancel()


async def _command(
    service: Service, command: str, neighbours: Neighbours, *, base: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        service.name,
        command,
        env=inherited() | neighbours.environment(service, base=base),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        words = f"mithril {service.name} {command}"
        raise ChildDiedError(f"`{words}` failed:\n{said.decode(errors='replace')}")


async def _ports_are_free(services: Sequence[Service], base: int) -> None:
    """Wait a little for ports that a killed set still holds; then say which are taken."""
    ports = [port for service in services for port in service.ports(base)]
    try:
        async with asyncio.timeout(_PORT_SECONDS):
            while any(_is_taken(port) for port in ports):  # noqa: ASYNC110 — nobody tells
                await asyncio.sleep(0.1)
    except TimeoutError:
        taken = ", ".join(str(port) for port in ports if _is_taken(port))
        raise ChildDiedError(
            f"ports in use: {taken}; choose others with --port-base"
        ) from None


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
