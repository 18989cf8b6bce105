"""`mithril doctor`: one look at services and their neighbours, that says what is wrong."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from services.cli import cli
from services.doctor import brokers, certificates
from services.doctor.examining import examine
from services.doctor.findings import Finding, Level, as_table
from shared.runtime.clock import Clock, SystemClock
from tests.fakes import SteppingClock

NOW = datetime(2026, 11, 25, tzinfo=UTC)
_SECRET = "a-password-that-is-not-shown"


def an_environment(directory: Path, **services: dict[str, str]) -> Path:
    for name, values in services.items():
        lines = "\n".join(f"{key}={value}" for key, value in values.items())
        (directory / f"{name.replace('_', '-')}.env").write_text(lines)
    return directory


async def looked(names: list[str], environment: Path, clock: Clock) -> dict[str, Finding]:
    found = await examine(names, environment, clock)
    return {f"{item.subject}: {item.check}": item for item in found}


async def test_a_service_its_database_and_the_topics_are_looked_at(
    abac_database: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    environment = an_environment(
        tmp_path,
        abac_api={
            "DATABASE_URL": abac_database,
            "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        },
    )
    found = await looked(["abac-api"], environment, SystemClock())
    database = "database " + abac_database.rpartition("/")[2].partition("?")[0]
    assert {found[f"abac-api: {it}"].level for it in ("postgres", "kafka")} == {Level.OK}
    assert found[f"{database}: schema"].level is Level.OK
    assert found[f"{database}: clock"].level is Level.OK
    assert {f"topic {topic}: topic" for topic in brokers.topics()} <= set(found)


async def test_a_clock_that_differs_from_the_databases_is_a_failure(
    abac_database: str, tmp_path: Path
) -> None:
    environment = an_environment(
        tmp_path,
        abac_api={"DATABASE_URL": abac_database, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"},
    )
    late = SteppingClock(datetime.now(UTC) - timedelta(minutes=1))
    found = await looked(["abac-api"], environment, late)
    (clock,) = (item for item in found.values() if item.check == "clock")
    assert clock.level is Level.FAILURE
    assert found["kafka: connection"].level is Level.FAILURE


async def test_a_database_that_was_not_migrated_is_a_failure(
    postgres_url: str, tmp_path: Path
) -> None:
    environment = an_environment(
        tmp_path,
        abac_api={"DATABASE_URL": postgres_url, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"},
    )
    found = await looked(["abac-api"], environment, SystemClock())
    (schema,) = (item for item in found.values() if item.check == "schema")
    assert schema.level is Level.FAILURE
    assert schema.told.startswith("at no revision, this release needs ")


def test_a_setting_that_is_missing_is_a_failure_and_no_secret_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    url = f"postgresql://abac:{_SECRET}@127.0.0.1:1/abac"
    an_environment(
        tmp_path,
        abac_api={"DATABASE_URL": url},
        mithril_scheduler={"DATABASE_URL": url},
    )
    arguments = ["doctor", "--environment", str(tmp_path), "--json"]
    for name in ("abac-api", "mithril-scheduler"):
        arguments += ["--only", name]
    done = CliRunner().invoke(cli, arguments)
    read = json.loads(done.stdout)
    failed = {(item["subject"], item["check"]) for item in read["findings"]}
    assert done.exit_code == 1
    assert read["well"] is False
    assert failed >= {
        ("abac-api", "setting KAFKA_BOOTSTRAP_SERVERS"),
        ("mithril-scheduler", "postgres"),
        ("database abac", "connection"),
    }
    assert _SECRET not in done.output


def test_a_service_that_there_is_not_is_told_of() -> None:
    done = CliRunner().invoke(cli, ["doctor", "--only", "abac"])
    assert done.exit_code == 2
    assert "no service is named abac" in done.output


def a_topic(copies: int = 3, *, leader: int = 1) -> dict[str, Any]:
    part = {"replicas": list(range(copies)), "leader": leader}
    return {"topic": "t", "error_code": 0, "partitions": [part]}


@pytest.mark.parametrize(
    ("topic", "described", "kept", "level"),
    [
        pytest.param("mithril.tokens", a_topic(), {}, Level.OK, id="nobody tells more"),
        pytest.param(
            "mithril.tokens", a_topic(), {"retention.ms": "604800000"}, Level.OK, id="fine"
        ),
        pytest.param("mithril.tokens", a_topic(1), {}, Level.WARNING, id="one copy"),
        pytest.param(
            "mithril.tokens", a_topic(leader=-1), {}, Level.FAILURE, id="without a leader"
        ),
        pytest.param(
            "mithril.tokens",
            {"error_code": 3, "partitions": []},
            {},
            Level.WARNING,
            id="not there",
        ),
        pytest.param(
            "mithril.tokens",
            a_topic(),
            {"min.insync.replicas": "1"},
            Level.WARNING,
            id="acknowledged by one",
        ),
        pytest.param(
            "audit.checkpoints",
            a_topic(),
            {"retention.ms": "604800000"},
            Level.WARNING,
            id="checkpoints that go",
        ),
        pytest.param(
            "abac.facts",
            a_topic(),
            {"retention.ms": "-1", "cleanup.policy": "compact"},
            Level.FAILURE,
            id="facts that are compacted",
        ),
        pytest.param(
            "abac.decisions",
            a_topic(),
            {"retention.ms": "3600000"},
            Level.WARNING,
            id="gone within the hour",
        ),
    ],
)
def test_a_topic(
    topic: str, described: dict[str, Any], kept: dict[str, str], level: Level
) -> None:
    assert brokers.judge(topic, described, kept).level is level


def a_certificate(until: datetime) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mithril.test")])
    made = x509.CertificateBuilder(subject_name=name, issuer_name=name)
    return (
        made.public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=90))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )


@pytest.mark.parametrize(
    ("days", "level"),
    [(60, Level.OK), (20, Level.WARNING), (0, Level.FAILURE), (-1, Level.FAILURE)],
)
def test_a_certificate(days: int, level: Level) -> None:
    certificate = a_certificate(NOW + timedelta(days=days))
    assert certificates.judge("here", certificate, NOW).level is level


def test_people_read_the_worst_last() -> None:
    found = [
        Finding(subject="b", check="x", level=Level.FAILURE, told="is away"),
        Finding(subject="a", check="longer", level=Level.OK, told="answers"),
    ]
    assert as_table(found).splitlines() == [
        "ok       a  longer  answers",
        "failure  b  x       is away",
    ]
