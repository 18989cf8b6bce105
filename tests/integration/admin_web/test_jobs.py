"""Jobs of the scheduler, and the queues of events."""

import pytest

from services.scheduler.store import locks
from tests.console import Console, words
from tests.integration.admin_web.conftest import Opened
from tests.integration.admin_web.test_users import confirm
from tests.pages import Browser


async def test_jobs_are_listed_with_their_schedule(browser: Browser) -> None:
    page = await browser.get("/jobs")
    assert "/jobs/purge-tokens" in page.links
    assert "/jobs/purge-tokens/run" in page.links
    assert "never ran" in page.text


async def test_a_job_is_run_from_its_page_and_its_history_says_by_whom(
    console: Console, browser: Browser
) -> None:
    page = await confirm(browser, "/jobs/trim-job-runs/run")
    assert page.path == "/jobs/trim-job-runs"
    assert "The job has run." in page.text
    assert "Succeeded" in page.text
    assert "by hand" in page.text
    assert str(console.operator_id) in page.text


async def test_a_job_that_another_process_runs_is_left_to_it(
    mithril_database: str, browser: Browser
) -> None:
    async with locks.held(mithril_database, "trim-job-runs"):
        page = await confirm(browser, "/jobs/trim-job-runs/run")
    assert page.status == 409
    assert "is running in another process" in page.alert


@pytest.mark.parametrize("name", ["no-such-job", "..", "A", "%2e%2e"])
async def test_a_job_that_is_none_is_a_page(browser: Browser, name: str) -> None:
    assert (await browser.get(f"/jobs/{name}/run")).status == 404


async def test_whoever_may_only_look_is_not_shown_the_button(browser_with: Opened) -> None:
    browser = await browser_with("scheduler:read")
    assert "/jobs/purge-tokens/run" not in (await browser.get("/jobs")).links
    assert (await browser.get("/jobs/purge-tokens/run")).status == 403


async def test_queues_tell_what_waits_and_which_service_does_not_answer(
    console: Console, browser: Browser, browser_with: Opened
) -> None:
    metrics = console.mithril.relay._metrics
    metrics.waiting.set(1234)
    metrics.age.set(61.5)

    page = await browser.get("/queues")

    assert "mithril-api Behind 1234 61.5" in words(page)
    assert "abac-api No answer" in words(page)
    assert "abac-log-consumer Up to date 0 0.0" in words(page)
    assert "Events to be recorded" in page.text
    less = await (await browser_with("scheduler:read")).get("/queues")
    assert "Events to be recorded" not in less.text
