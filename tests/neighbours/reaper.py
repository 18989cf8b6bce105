"""What ends a session's servers when the session itself can not: it was killed."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from shared.runtime.embedded import end_processes, processes_in, wait_until

_PROGRAMS = frozenset({"postgres", "java"})
_SECONDS = 10


class Reaper:
    """A child process which outlives this one by a moment and clears up behind it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.neighbours.reaper", str(directory)],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            start_new_session=True,  # Ctrl-C must not end it before its work is done
        )

    def close(self) -> None:
        """Have it clear up now and wait for it."""
        self._child.communicate()


def main(directory: Path) -> None:
    """Wait for standard input to end, then end what runs in the directory; remove it."""
    sys.stdin.read()

    def running() -> frozenset[int]:
        return processes_in(directory, programs=_PROGRAMS)

    end_processes(running(), signal.SIGKILL)
    wait_until(lambda: not running(), seconds=_SECONDS)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
