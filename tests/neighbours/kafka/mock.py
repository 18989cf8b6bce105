"""The last rung for Kafka: librdkafka's mock cluster."""

import os
import signal
from pathlib import Path

from confluent_kafka import libversion

from shared.runtime.embedded_kafka import EmbeddedKafka
from tests.neighbours.ladder import Offer


class MockKafka:
    """The embedded broker. Its memory is its disk, so to be away is to be frozen."""

    def __init__(self) -> None:
        self._broker = EmbeddedKafka()
        self._broker.start()

    @property
    def address(self) -> str:
        """Where it answers."""
        return self._broker.bootstrap

    def stop(self) -> None:
        """Freeze it: clients wait in vain."""
        os.kill(self._broker.pid, signal.SIGSTOP)

    def kill(self) -> None:
        """Freeze it; a real kill would lose what it holds, which a broker does not."""
        self.stop()

    def start(self) -> None:
        """Thaw it."""
        os.kill(self._broker.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it and what it holds."""
        self._broker.kill()


def mock_kafka() -> Offer[MockKafka]:
    """Run the mock, which is always there."""

    def run(_directory: Path) -> MockKafka:
        return MockKafka()

    return Offer(name=f"librdkafka {libversion()[0]} mock cluster", open=run)
