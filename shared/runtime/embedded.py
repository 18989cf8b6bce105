"""What embedded servers share: a port to listen on, and a look at what still runs."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection
from pathlib import Path

# Below the range from which Linux takes the ports of outgoing connections. A client
# which retries a port of that range while nothing listens there may be given the very
# port as its own end, is then connected to itself, and keeps the server from binding.
_LOWEST_PORT, _HIGHEST_PORT = 20_000, 32_000
_PROC = Path("/proc")
_POLL_SECONDS = 0.01


def free_port() -> int:
    """Find a loopback TCP port on which nothing listens at this moment."""
    for _ in range(200):
        port = _LOWEST_PORT + secrets.randbelow(_HIGHEST_PORT - _LOWEST_PORT)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"no free port between {_LOWEST_PORT} and {_HIGHEST_PORT}")


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait for something no one will tell us of; false if it is not so in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def processes_in(
    directory: Path, *, programs: Collection[str], hint: int | None = None
) -> frozenset[int]:
    """Find the live processes which run one of these programs in or below a directory.

    A server's working directory is its data directory, so unlike a number in a stale
    pid file this cannot point at a stranger. Without `/proc` all that can be told is
    whether the hinted process runs such a program.
    """
    if _PROC.joinpath("self", "cwd").exists():
        numbers = (int(each.name) for each in _PROC.iterdir() if each.name.isdigit())
        return frozenset(n for n in numbers if _runs_below(n, directory, programs))
    return frozenset({hint} if hint is not None and _program_of(hint) in programs else ())


def end_processes(pids: frozenset[int], how: signal.Signals) -> None:
    """Send a signal to each process which still lives."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)


def tail_of(log: Path, *, characters: int = 2000) -> str:
    """Read the end of a log, for the message of an error."""
    try:
        return log.read_text(errors="replace")[-characters:].strip()
    except FileNotFoundError:
        return ""


def _runs_below(pid: int, directory: Path, programs: Collection[str]) -> bool:
    process = _PROC / str(pid)
    try:
        place = process.joinpath("cwd").readlink()
        program = process.joinpath("comm").read_text().strip()
    except OSError:  # it has ended, is a zombie, or is another user's
        return False
    return program in programs and place.is_relative_to(directory)


def _program_of(pid: int) -> str:
    shown = subprocess.run(  # noqa: S603  (a number is all that varies)
        ["/bin/ps", "-p", str(pid), "-o", "comm="],
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(shown.stdout.strip()).name
