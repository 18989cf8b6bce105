"""A real Apache Kafka broker: one JVM, its own controller (KRaft), on loopback."""

import signal
import subprocess
from pathlib import Path

from shared.runtime.embedded import free_port, tail_of
from tests.neighbours.kafka.jars import Jars, obtain_jars
from tests.neighbours.kafka.settings import FOR_TESTS
from tests.neighbours.ladder import Offer
from tests.neighbours.ready import wait_for_kafka

_START_SECONDS = 60
_STOP_SECONDS = 20
_CLUSTER_ID = "bWl0aHJpbC10ZXN0cy1rYQ"
# A short life: quick to compile, small, one thread to collect.
_JVM = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_LOG_LEVEL = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


class ApacheKafka:
    """One broker over a directory, which it must be given empty."""

    def __init__(self, jars: Jars, directory: Path) -> None:
        self._jars = jars
        self._directory = directory
        self._port = free_port()
        self._log = directory / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it answers; the same after a stop or a kill."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The JVM."""
        if self._process is None:
            raise RuntimeError("the broker is not running")
        return self._process.pid

    def create(self) -> None:
        """Format its storage and start it."""
        controller = free_port()
        settings = {
            **FOR_TESTS,
            "node.id": "1",
            "process.roles": "broker,controller",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{controller}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self._directory / "data"),
        }
        self._properties.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
        formatted = subprocess.run(
            self._java(
                "kafka.tools.StorageTool",
                *("format", "--cluster-id", _CLUSTER_ID),
                *("--config", str(self._properties)),
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        if formatted.returncode != 0:
            raise RuntimeError(f"cannot format its storage: {formatted.stderr.strip()}")
        self.start()

    def start(self) -> None:
        """Start the JVM and return when the broker answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties)),
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for pytest alone
            )
        wait_for_kafka(self.address, seconds=_START_SECONDS, alive=self._alive)
        if not self._alive():
            raise RuntimeError(f"the broker did not start: {tail_of(self._log)}")

    def stop(self) -> None:
        """Shut the broker down in order; its port and data stay its own."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the JVM by SIGKILL; its port and data stay its own."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End it for good."""
        self.kill()

    @property
    def _properties(self) -> Path:
        return self._directory / "server.properties"

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _java(self, main: str, *arguments: str) -> list[str]:
        class_path = f"{self._jars.directory}/*"
        return [self._jars.java, *_JVM, _LOG_LEVEL, "-cp", class_path, main, *arguments]


def apache_kafka() -> Offer[ApacheKafka]:
    """Run the broker from its jars, if they can be had and there is a Java for them."""
    jars = obtain_jars()

    def run(directory: Path) -> ApacheKafka:
        broker = ApacheKafka(jars, directory)
        try:
            broker.create()
        except BaseException:
            broker.close()
            raise
        return broker

    return Offer(name=f"Apache Kafka {jars.version} (KRaft, jars from Maven)", open=run)
