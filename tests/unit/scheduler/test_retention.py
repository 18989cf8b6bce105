"""docs/retention.md says what the jobs do."""

from pathlib import Path

from services.scheduler.jobs import JOBS
from services.scheduler.retention import render

DOCUMENT = Path(__file__).parents[3] / "docs" / "retention.md"


def test_the_document_is_what_the_jobs_say() -> None:
    assert DOCUMENT.read_text() == render()


def test_every_job_is_in_it_with_its_reason() -> None:
    text = render()
    for job in JOBS:
        assert f"## `{job.name}`" in text
        assert job.reason in text
