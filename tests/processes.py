"""A service as a process of its own, for tests that kill it and for the bench."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from shared.runtime.embedded import free_port
from shared.runtime.settings import inherited

SECRET_KEY = "key-for-processes-0123456789"
SERVICE_TOKEN = "service-token-for-processes"


class ServiceProcess:
    """Starts, ends and starts again, on the same ports."""

    def __init__(
        self,
        service: str,
        *,
        database_url: str,
        kafka: str,
        log: Path,
        settings: Mapping[str, str] | None = None,
        module: str = "services.cli",
    ) -> None:
        self._service, self._module = service, module
        self.public_port, self.internal_port = free_port(), free_port()
        self.public = f"http://127.0.0.1:{self.public_port}"
        self.internal = f"http://127.0.0.1:{self.internal_port}"
        self.log = log
        self._process: asyncio.subprocess.Process | None = None
        self._environment = {
            "DATABASE_URL": database_url,
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "MITHRIL_SERVICE_TOKENS": SERVICE_TOKEN,
            "MITHRIL_PORT": str(self.public_port),
            "MITHRIL_INTERNAL_PORT": str(self.internal_port),
            "MITHRIL_LOG_FORMAT": "json",
            **(settings or {}),
        }

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._running().pid

    async def start(self) -> None:
        """Start it and return when it is ready."""
        with self.log.open("ab") as file:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._module, self._service, "serve"),
                env=inherited() | self._environment,
                stdout=file,
                stderr=file,
            )
        async with aiohttp.ClientSession() as http, asyncio.timeout(30):
            while not await self._is_ready(http):
                if self._process.returncode is not None:
                    raise RuntimeError(self.log.read_text()[-2000:])
                await asyncio.sleep(0.05)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._running().send_signal(number)

    async def ended(self) -> int:
        """Wait for its end; its exit status."""
        return await self._running().wait()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; nothing if it has ended."""
        process = self._running()
        if process.returncode is None:
            process.send_signal(number)
        return await process.wait()

    def resident_megabytes(self) -> float:
        """Its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(item for item in status.splitlines() if item.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self.internal}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self._service} was not started")
        return self._process


class ApiProcess(ServiceProcess):
    """mithril-api."""

    def __init__(
        self,
        *,
        database_url: str,
        kafka: str,
        log: Path,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            "mithril-api",
            database_url=database_url,
            kafka=kafka,
            log=log,
            settings={"MITHRIL_SECRET_KEYS": SECRET_KEY, **(settings or {})},
        )


class GatekeeperProcess(ServiceProcess):
    """gatekeeper, before a mithril-api."""

    def __init__(
        self,
        api: ServiceProcess,
        *,
        kafka: str,
        log: Path,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            "gatekeeper",
            database_url="",
            kafka=kafka,
            log=log,
            settings={
                "MITHRIL_API_URL": api.internal,
                "MITHRIL_API_PUBLIC_URL": api.public,
                **(settings or {}),
            },
        )

    async def hears(self) -> None:
        """Return when it hears revocations, so that its cache is used."""
        async with aiohttp.ClientSession() as http, asyncio.timeout(30):
            while not await self._hears(http):
                await asyncio.sleep(0.02)

    async def _hears(self, http: aiohttp.ClientSession) -> bool:
        async with http.get(f"{self.internal}/metrics") as response:
            lines = (await response.text()).splitlines()
        return "mithril_gatekeeper_revocations_current 1.0" in lines
