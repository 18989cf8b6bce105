"""Settings: the original's names, its defaults, and what is refused at start."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.scheduler.jobs import BY_NAME, JOBS
from services.scheduler.settings import Settings


def settings(**environment: str) -> Settings:
    values: dict[str, Any] = {"DATABASE_URL": "postgresql://db/mithril", **environment}
    return Settings(**values)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)


def test_schedules_are_the_originals_by_default() -> None:
    made = settings()
    assert BY_NAME["expire-tokens"].expression(made) == "* 0-4 * * *"
    assert BY_NAME["purge-tokens"].expression(made) == "* 1-4 * * *"
    assert BY_NAME["expire-one-time-codes"].expression(made) == "*/5 * * * *"


def test_retention_is_the_originals_by_default() -> None:
    made = settings()
    assert made.tokens_kept_for() == timedelta(days=30)
    assert made.passwords_last_for() == timedelta(days=90)
    assert made.outbox_kept_for() == timedelta(days=1)
    assert made.job_runs_kept_for() == timedelta(days=90)


def test_the_longest_life_counts() -> None:
    made = settings(AUTH_ACCESS_TOKEN_LIFETIME="2592000")
    assert made.longest_token_life() == timedelta(days=30)
    assert settings().longest_token_life() == timedelta(days=14)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN_EXPIRATION_SCHEDULE", "every night"),
        ("TOKEN_DELETING_SCHEDULE", "61 * * * *"),
        ("OTP_EXPIRATION_SCHEDULE", ""),
        ("MITHRIL_PARTITIONS_SCHEDULE", "0 0 30 2 *"),
        ("TOKEN_TTL_AFTER_EXPIRATION_DAYS", "0"),
        ("PASSWORD_EXPIRATION_DAYS", "soon"),
        ("MITHRIL_JOB_BATCH_SIZE", "0"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(ValidationError) as raised:
        settings(**{name: value})
    (error,) = raised.value.errors()
    assert error["loc"] == (name,)


def test_every_job_has_a_schedule_and_a_name_of_its_own() -> None:
    made = settings()
    assert len(BY_NAME) == len(JOBS)
    for job in JOBS:
        assert job.trigger(made) is not None
        assert job.kept_for is None or isinstance(getattr(made, job.kept_for), int)
