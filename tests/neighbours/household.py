"""The neighbours of one test session: each is started once, by the first to ask.

pytest's controlling process owns them. Under xdist its workers ask it over a socket, so
that the end of a worker is not the end of a server others use.
"""

import json
import socket
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingMixIn, UnixStreamServer
from typing import Literal, Protocol, TypeAlias

import pytest

from tests.neighbours.databases import drop_all, prefix_of
from tests.neighbours.given import Given
from tests.neighbours.ladder import Ladder, Neighbour
from tests.neighbours.ladders import kafka_ladder, postgres_ladder
from tests.neighbours.ready import run_aside
from tests.neighbours.reaper import Reaper
from tests.neighbours.scratch import make_scratch_directory

Kind: TypeAlias = Literal["postgres", "kafka"]

_ANSWER_SECONDS = 600  # Maven or Docker may have to fetch first


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A neighbour as the tests see it: what it is, and where."""

    name: str
    address: str


class Household(Protocol):
    """What a test process asks for neighbours."""

    @property
    def directory(self) -> Path:
        """A directory for files which all processes of the session share."""

    def find(self, kind: Kind) -> Found:
        """Have the neighbour of this kind, running."""


HOUSEHOLD = pytest.StashKey[Household]()


class OwnHousehold:
    """The household of the process which owns the servers."""

    def __init__(self) -> None:
        self._ladders: dict[Kind, Ladder[Neighbour]] = {
            "postgres": postgres_ladder(),
            "kafka": kafka_ladder(),
        }
        self._locks = {kind: threading.Lock() for kind in self._ladders}
        self._running: dict[Kind, Neighbour] = {}
        self._door: _Door | None = None
        self._first = threading.Lock()
        self._reaper: Reaper | None = None

    @property
    def directory(self) -> Path:
        """A directory for the session's files, made when it is first asked for."""
        with self._first:
            if self._reaper is None:
                self._reaper = Reaper(make_scratch_directory())
            return self._reaper.directory

    def describe(self) -> str:
        """Name the choices, made without starting a server."""
        return "; ".join(ladder.describe() for ladder in self._ladders.values())

    def find(self, kind: Kind) -> Found:
        """Have the neighbour of this kind, started now if no one has asked before."""
        ladder = self._ladders[kind]
        with self._locks[kind]:
            if kind not in self._running:
                directory = self.directory / kind
                directory.mkdir(exist_ok=True)
                self._running[kind] = ladder.open(directory)
            return Found(name=ladder.describe(), address=self._running[kind].address)

    def open_door(self) -> str:
        """Let other processes of the session ask; answers where."""
        if self._door is None:
            self._door = _Door(self)
            threading.Thread(target=self._door.serve_forever, daemon=True).start()
        return str(self._door.server_address)

    def close(self) -> None:
        """End every server that was started, and remove the directory."""
        if self._door is not None:
            self._door.shutdown()
            self._door.server_close()
        for kind, neighbour in self._running.items():
            if kind == "postgres" and isinstance(neighbour, Given):
                # The others' databases end with their servers.
                prefix = prefix_of(self.directory)
                run_aside(partial(drop_all, neighbour.address, prefix))
            neighbour.close()
        if self._reaper is not None:
            self._reaper.close()


class NextDoor:
    """The household of an xdist worker: it asks the controlling process."""

    def __init__(self, door: str) -> None:
        self._door = door
        self.directory = Path(door).parent

    def find(self, kind: Kind) -> Found:
        """Have the neighbour of this kind, running."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(self._door)
            connection.sendall(f"{kind}\n".encode())
            with connection.makefile() as answers:
                answer = json.loads(answers.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return Found(name=answer["name"], address=answer["address"])


class _Door(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True

    def __init__(self, household: OwnHousehold) -> None:
        self.household = household
        super().__init__(str(household.directory / "door"), _Caller)


class _Caller(StreamRequestHandler):
    server: _Door

    def handle(self) -> None:
        asked = self.rfile.readline().decode().strip()
        try:
            found = self.server.household.find("kafka" if asked == "kafka" else "postgres")
            answer = {"name": found.name, "address": found.address}
        except Exception as failure:  # noqa: BLE001  (whatever it is, the asker must fail)
            answer = {"error": f"{type(failure).__name__}: {failure}"}
        self.wfile.write(json.dumps(answer).encode() + b"\n")
