"""Node, and the client libraries that it runs: had from npm once and kept."""

import fcntl
import json
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.neighbours.ladder import UnavailableError

SCRIPTS = Path(__file__).with_name("node")
_CACHE = Path(__file__).parents[2] / ".cache"
_FILES = ("package.json", "package-lock.json")
_OLDEST = 20
_INSTALL_SECONDS = 120
_RUN_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Libraries:
    """What npm brought, complete."""

    node: str
    version: str
    modules: str  # the directory node_modules

    def stored(self) -> dict[str, str]:
        """As it is handed to another process."""
        return asdict(self)

    def run(self, script: str, settings: dict[str, Any], directory: Path) -> dict[str, Any]:
        """What came of each scenario of a script: nothing, or the error's text.

        The scripts find the libraries beside them, hence the copy.
        """
        with tempfile.TemporaryDirectory(dir=directory) as name:
            here = shutil.copytree(SCRIPTS, Path(name, "node"))
            (here / "node_modules").symlink_to(self.modules)
            done = subprocess.run(
                [self.node, here / script],
                input=json.dumps(settings),
                capture_output=True,
                text=True,
                timeout=_RUN_SECONDS,
                check=False,
            )
        if done.returncode != 0:
            raise RuntimeError(f"{script} failed: {done.stderr}")
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def obtain_libraries() -> Libraries:
    """Find the libraries in the cache, or have npm bring them there.

    Raises:
        UnavailableError: there is no Node for them, or no way to have them.
    """
    node, version = _node()
    lock = (SCRIPTS / "package-lock.json").read_bytes()
    directory = _CACHE / f"node-{sha256(lock).hexdigest()[:16]}"
    _CACHE.mkdir(exist_ok=True)
    with directory.with_suffix(".lock").open("wb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not directory.exists():
            _install(directory)
    return Libraries(node=node, version=version, modules=str(directory / "node_modules"))


def _node() -> tuple[str, str]:
    node = shutil.which("node")
    if node is None:
        raise UnavailableError("there is no node")
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = shown.stdout.strip().removeprefix("v")
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) < _OLDEST:
        raise UnavailableError(f"node is older than {_OLDEST}")
    return node, version


def _install(directory: Path) -> None:
    """Fill a fresh directory and rename it, so that a cache is whole or not there."""
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError("there is no npm")
    with tempfile.TemporaryDirectory(dir=_CACHE, prefix="node-") as name:
        fresh = Path(name, "made")
        fresh.mkdir()
        for file in _FILES:
            shutil.copy(SCRIPTS / file, fresh)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(
                command,
                cwd=fresh,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_INSTALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise UnavailableError("npm did not finish") from late
        if done.returncode != 0:
            first, *_ = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
            raise UnavailableError(f"npm failed: {first}")
        fresh.rename(directory)
