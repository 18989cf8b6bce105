"""The embedded servers, and the neighbours of the tests, do what they promise."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from shared.runtime.embedded import wait_until
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.embedded_postgres import EmbeddedPostgres
from tests.neighbours.databases import Templates, clone, drop, url_of
from tests.neighbours.ladder import Broker

_SECONDS = 10


async def test_postgres_keeps_what_was_committed_before_a_crash(
    own_postgres: EmbeddedPostgres,
) -> None:
    own_postgres.create_database("kept")
    await _run(own_postgres.url("kept"), "CREATE TABLE t AS SELECT 7 AS x")
    url = own_postgres.url("kept")

    own_postgres.kill()
    own_postgres.start()

    assert own_postgres.url("kept") == url
    assert await _value(url, "SELECT x FROM t") == 7


async def test_postgres_survives_the_end_of_its_postmaster_alone(
    own_postgres: EmbeddedPostgres,
) -> None:
    connection = await asyncpg.connect(own_postgres.url("postgres"))
    try:
        os.kill(own_postgres.pid, signal.SIGKILL)
        assert wait_until(lambda: not own_postgres.running, seconds=_SECONDS)
        own_postgres.start()
    finally:
        connection.terminate()

    assert await _value(own_postgres.url("postgres"), "SELECT 1") == 1


def test_creating_a_database_twice_is_creating_it_once(
    own_postgres: EmbeddedPostgres,
) -> None:
    own_postgres.create_database('an "odd" name')
    own_postgres.create_database('an "odd" name')


async def test_two_servers_run_side_by_side(
    own_postgres: EmbeddedPostgres, scratch: Path
) -> None:
    with EmbeddedPostgres(scratch / "other", fsync=False) as other:
        assert other.port != own_postgres.port
        assert await _value(other.url("postgres"), "SELECT 1") == 1
        assert await _value(own_postgres.url("postgres"), "SELECT 1") == 1


async def test_a_stale_pid_file_which_names_a_stranger_keeps_nothing_down(
    scratch: Path,
) -> None:
    server = EmbeddedPostgres(scratch / "postgres", fsync=False)
    server.start()
    pid_file = scratch / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.kill()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        try:
            with server:
                assert await _value(server.url("postgres"), "SELECT 1") == 1
            assert stranger.poll() is None
        finally:
            stranger.kill()


async def test_a_server_left_by_a_killed_parent_is_ended_and_its_data_served(
    scratch: Path,
) -> None:
    data_dir = scratch / "postgres"
    with _parent_of(f"EmbeddedPostgres(Path({str(data_dir)!r}), fsync=False)") as parent:
        left = int(_line(parent))
        parent.kill()
    assert _lives(left)

    with EmbeddedPostgres(data_dir, fsync=False) as server:
        assert not _lives(left)
        assert await _value(server.url("postgres"), "SELECT 1") == 1


def test_a_data_directory_has_one_holder_at_a_time(
    own_postgres: EmbeddedPostgres, scratch: Path
) -> None:
    with pytest.raises(RuntimeError, match="another process runs"):
        EmbeddedPostgres(scratch / "postgres").start()
    assert own_postgres.running


def test_the_embedded_kafka_ends_with_its_parent() -> None:
    with _parent_of("EmbeddedKafka()") as parent:
        child = int(_line(parent))
        assert _lives(child)
        parent.kill()

    assert wait_until(lambda: not _lives(child), seconds=_SECONDS)


def test_the_embedded_kafka_ends_when_told() -> None:
    with EmbeddedKafka() as broker:
        child = broker.pid
        assert broker.bootstrap.startswith("127.0.0.1:")

    assert not _lives(child)


async def test_a_record_sent_is_a_record_read(
    kafka_bootstrap: str, database_name: Callable[[str], str]
) -> None:
    topic = database_name("topic")

    sent = await _send(kafka_bootstrap, topic, b"hello")

    assert await _read(kafka_bootstrap, sent) == b"hello"


async def test_a_broker_which_was_away_is_back_with_what_it_had(own_kafka: Broker) -> None:
    address = own_kafka.address
    sent = await _send(address, "kept", b"before")

    own_kafka.kill()
    own_kafka.start()

    assert own_kafka.address == address
    assert await _read(address, sent) == b"before"


async def test_a_clone_has_what_its_template_has(
    postgres_url: str, template: Templates, database_name: Callable[[str], str]
) -> None:
    calls: list[str] = []
    name = template("sample", calls.append)
    again = template("sample", calls.append)
    own = database_name("clone")

    url = await clone(postgres_url, name, own)

    assert again == name
    assert calls in ([], [url_of(postgres_url, name)])  # another worker may have built it
    assert await _value(url, "SELECT current_database()") == own
    await drop(postgres_url, own)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await _value(url, "SELECT 1")


def _parent_of(server: str) -> subprocess.Popen[str]:
    """Run a process which starts a server, tells its pid, and then waits to be killed."""
    program = f"""
from pathlib import Path
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.embedded_postgres import EmbeddedPostgres
server = {server}
server.start()
print(server.pid, flush=True)
input()
"""
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _lives(pid: int) -> bool:
    """Whether a process runs. One that ended and was not yet waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        value: object = await connection.fetchval(query)
    finally:
        await connection.close()
    return value


async def _send(bootstrap: str, topic: str, value: bytes) -> RecordMetadata:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, acks="all"
    )
    await producer.start()
    try:
        return await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def _read(bootstrap: str, sent: RecordMetadata) -> bytes | None:
    place = TopicPartition(sent.topic, sent.partition)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        consumer.assign([place])
        consumer.seek(place, sent.offset)
        record = await consumer.getone()
    finally:
        await consumer.stop()
    value: bytes | None = record.value
    return value
