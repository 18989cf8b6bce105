"""The jars of an Apache Kafka broker, had from Maven once and kept."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.neighbours.ladder import UnavailableError

_POM = Path(__file__).with_name("pom.xml")
_CACHE = Path(__file__).parents[3] / ".cache"
_OLDEST_JAVA = 17
_RESOLVE_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Jars:
    """A complete class path."""

    java: str
    directory: Path
    version: str


def obtain_jars() -> Jars:
    """Find the jars in the cache, or have Maven bring them there.

    Raises:
        UnavailableError: there is no Java for them, or no way to have them.
    """
    java = _java()
    pom = _POM.read_text()
    found = re.search(r"<kafka\.version>(.+)</kafka\.version>", pom)
    if found is None:
        raise ValueError(f"`{_POM}` names no kafka.version")
    version = found.group(1)
    directory = _CACHE / f"kafka-{version}"
    kept = directory / "pom.xml"
    if not kept.exists() or kept.read_text() != pom:
        _resolve(directory)
    return Jars(java=java, directory=directory, version=version)


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise UnavailableError("there is no java")
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', shown.stderr)
    if found is None or int(found.group(1)) < _OLDEST_JAVA:
        raise UnavailableError(f"java is older than {_OLDEST_JAVA}")
    return java


def _resolve(directory: Path) -> None:
    """Fill a fresh directory and rename it, so that a cache is whole or not there."""
    maven = shutil.which("mvn")
    if maven is None:
        raise UnavailableError("there is no mvn")
    _CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE, prefix="kafka-") as name:
        fresh = Path(name, "jars")
        try:
            done = subprocess.run(
                [
                    *(maven, "--quiet", "--batch-mode", "--file", _POM),
                    "dependency:copy-dependencies",
                    f"-DoutputDirectory={fresh}",
                ],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_RESOLVE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise UnavailableError("mvn did not finish") from late
        if done.returncode != 0:
            first, *_ = done.stdout.strip().splitlines() or [f"exit {done.returncode}"]
            raise UnavailableError(f"mvn failed: {first}")
        shutil.copy(_POM, fresh)
        shutil.rmtree(directory, ignore_errors=True)
        try:
            os.rename(fresh, directory)  # noqa: PTH104  (`Path.rename` says no more)
        except OSError:
            # Another session was faster; its jars are these jars.
            if not directory.exists():
                raise
