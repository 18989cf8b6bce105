"""A Kafka of our own for `mithril up` and tests: librdkafka's mock cluster.

It speaks the real wire protocol and keeps everything in memory. It lives in a child
process of its own, so its threads share no interpreter with the services.
"""

import subprocess
import sys
from types import TracebackType
from typing import Self

from confluent_kafka import Producer

_PATIENCE_SECONDS = 5


class EmbeddedKafka:
    """One broker in a child process; what it holds is gone when the process is."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._bootstrap: str | None = None

    @property
    def bootstrap(self) -> str:
        """The address clients start from, as `host:port`; a new one at each start."""
        if self._bootstrap is None:
            raise RuntimeError("the embedded Kafka is not running")
        return self._bootstrap

    @property
    def pid(self) -> int:
        """The child process."""
        if self._process is None:
            raise RuntimeError("the embedded Kafka is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start an empty broker and return when it answers; nothing if one runs."""
        if self.running:
            return
        self.stop()
        child = subprocess.Popen(
            [sys.executable, "-m", "shared.runtime.embedded_kafka"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal is for the parent alone
        )
        self._process = child
        line = child.stdout.readline().strip() if child.stdout else ""
        if not line:
            self.stop()
            raise RuntimeError(
                f"the embedded Kafka did not start (exit status {child.returncode})"
            )
        self._bootstrap = line

    def stop(self) -> None:
        """End the broker; nothing if none runs."""
        child = self._process
        if child is None:
            return
        if child.stdin:
            child.stdin.close()
        try:
            child.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
        self._forget(child)

    def kill(self) -> None:
        """End the broker by SIGKILL; nothing if none runs."""
        child = self._process
        if child is None:
            return
        child.kill()
        self._forget(child)

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

    def _forget(self, child: subprocess.Popen[str]) -> None:
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()
        self._process = None
        self._bootstrap = None


def main() -> None:
    """Be the broker: print its address on a line, and live until standard input ends.

    The end of the pipe is what tells of the parent's death, however it died. Linux's
    parent-death signal would not do: it is sent when the *thread* that started the
    child ends, and servers are started from worker threads.
    """
    cluster = Producer(
        {"bootstrap.servers": "", "test.mock.num.brokers": 1, "log_level": 4}
    )
    brokers = cluster.list_topics(timeout=10).brokers.values()
    sys.stdout.write(",".join(f"{each.host}:{each.port}" for each in brokers) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
