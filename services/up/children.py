"""The services of the set as child processes: started, watched, stopped in order."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from shared.runtime.serve import PARENT_PIPE
from shared.runtime.settings import inherited

_STARTUP_SECONDS = 60
_STOP_SECONDS = 30


class ChildDiedError(Exception):
    """A service ended by itself. The message says which, how, and what it wrote last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process of the set. Ports follow architecture.md §2."""

    name: str
    number: int
    database: str | None = None  # that it works on

    def ports(self, base: int) -> tuple[int, int]:
        """Its public and internal port."""
        return base + self.number, base + 100 + self.number

    def addresses(self, base: int) -> dict[str, str]:
        """Where it is reached."""
        public, internal = self.ports(base)
        return {
            "public": f"http://127.0.0.1:{public}",
            "internal": f"http://127.0.0.1:{internal}",
        }


class Child:
    """A running service. It ends when we do: its standard input is a pipe that we hold."""

    def __init__(
        self, service: Service, process: asyncio.subprocess.Process, log: Path
    ) -> None:
        self.service = service
        self.process = process
        self.log = log

    @classmethod
    async def start(
        cls, service: Service, *, environment: Mapping[str, str], log: Path
    ) -> "Child":
        """Start a service; what it writes goes to `log`."""
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.cli",
                service.name,
                "serve",
                env={**inherited(), **environment, PARENT_PIPE: "1"},
                stdin=asyncio.subprocess.PIPE,
                stdout=file,
                stderr=file,
                start_new_session=True,  # Ctrl-C is for us; we stop them in order
            )
        return cls(service, process, log)

    async def ready(self, base: int) -> None:
        """Wait until the service says that it is ready; `ChildDiedError` if it dies first."""
        url = self.service.addresses(base)["internal"] + "/readyz"
        state = "no answer"
        try:
            async with asyncio.timeout(_STARTUP_SECONDS), aiohttp.ClientSession() as http:
                while True:
                    if self.process.returncode is not None:
                        raise self.death()
                    try:
                        async with http.get(url) as response:
                            if response.status == 200:
                                return
                            state = await response.text()
                    except aiohttp.ClientError as error:
                        state = str(error)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            text = f"{self.service.name} did not become ready: {state}; see {self.log}"
            raise ChildDiedError(text) from None

    def death(self) -> ChildDiedError:
        """What to say when it ended by itself."""
        lines = self.log.read_text(errors="replace").splitlines()[-5:]
        said = "\n  ".join(lines)
        status = self.process.returncode
        return ChildDiedError(
            f"{self.service.name} ended with status {status}; its last words:\n  {said}"
        )

    async def stop(self) -> None:
        """Stop in order; by force after the grace time."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
