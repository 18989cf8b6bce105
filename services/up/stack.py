"""Start the set, keep it running, stop it: PostgreSQL, Kafka, migrations, demo data, services."""

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from services.up import demo, services, table
from services.up.children import Child, ChildDiedError, Service
from services.up.demo_api import demo_id
from services.up.services import Neighbours
from services.up.state import StateDirectory
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.embedded_postgres import EmbeddedPostgres
from shared.runtime.entropy import SystemEntropy
from shared.runtime.relay import ask_replay
from shared.runtime.settings import inherited

_PORT_SECONDS = 10


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
        neighbours = Neighbours(
            postgres=postgres,
            kafka=kafka,
            secrets=secrets,
            base=base,
            client_ids={name: demo_id(name) for name in demo.CLIENTS},
        )
        await _prepare(neighbours)
        children: list[Child] = []
        try:
            await _start(neighbours, state, children, stop=stop)
            if not stop.is_set():
                await _watch(neighbours, children, stop)
        finally:
            state.endpoints.unlink(missing_ok=True)
            await asyncio.gather(*(child.stop() for child in children))


async def _prepare(neighbours: Neighbours) -> None:
    for name in services.DATABASES:
        await asyncio.to_thread(neighbours.postgres.create_database, name)
    await _ports_are_free(services.ports(neighbours.base))
    await asyncio.gather(
        *(_command(owner, "migrate", neighbours) for owner in services.OWNERS)
    )
    # The embedded broker keeps nothing: what is retained in the outboxes fills it again.
    for url in neighbours.database_urls().values():
        await ask_replay(url)


async def _start(
    neighbours: Neighbours,
    state: StateDirectory,
    children: list[Child],
    *,
    stop: asyncio.Event,
) -> None:
    base, token = neighbours.base, neighbours.secrets.service_token
    addresses, emulators = services.addresses(base), services.emulators(base)
    if not await _run_all(services.FIRST, neighbours, state, children, stop=stop):
        return
    made = await demo.prepare(state, addresses, service_token=token)
    made_now = await demo.open_doors(
        addresses,
        gatekeeper=services.GATEKEEPER.addresses(base)["public"],
        auth_web=services.auth_web_url(base),
        emulators=emulators,
        service_token=token,
    )
    neighbours.client_secrets.update(made_now)
    if not await _run_all(services.SECOND, neighbours, state, children, stop=stop):
        return
    state.write(
        state.endpoints.name,
        {
            "services": addresses,
            "emulators": {"public": emulators["public"], "smtp": emulators["smtp"]},
            "database_urls": neighbours.database_urls(),
            "kafka_bootstrap": neighbours.kafka.bootstrap,
            "demo": made,
        },
    )
    print(  # noqa: T201 — the one thing this command is to say
        table.render(
            addresses,
            emulators=emulators,
            auth_web=services.auth_web_url(base),
            database_urls=neighbours.database_urls(),
            kafka_bootstrap=neighbours.kafka.bootstrap,
            demo=made,
        ),
        flush=True,
    )


async def _run_all(
    wanted: Sequence[Service],
    neighbours: Neighbours,
    state: StateDirectory,
    children: list[Child],
    *,
    stop: asyncio.Event,
) -> bool:
    """Start services and wait until they are ready; false if we are to stop before."""
    for service in wanted:
        environment = neighbours.environment(service)
        log = state.logs / f"{service.name}.log"
        children.append(await Child.start(service, environment=environment, log=log))
    return await _ready(children, stop, base=neighbours.base)


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


async def _command(service: Service, command: str, neighbours: Neighbours) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        service.name,
        command,
        env=inherited() | neighbours.environment(service),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        words = f"mithril {service.name} {command}"
        raise ChildDiedError(f"`{words}` failed:\n{said.decode(errors='replace')}")


async def _ports_are_free(ports: Sequence[int]) -> None:
    """Wait a little for ports that a killed set still holds; then say which are taken."""
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
