"""docs/retention.md, written from the table of jobs and the settings' defaults."""

from services.scheduler.jobs import JOBS
from services.scheduler.settings import Settings
from services.scheduler.work import Job

_HEAD = """\
# What is deleted, when, and why

Written by `mithril docs write` from `services/scheduler/jobs.py`; do not edit.

`mithril-scheduler` does the timed work on database `mithril`. Schedules are cron expressions
in UTC with Sunday as 0 or 7; what stands in parentheses is the default. Any number of replicas
may run: a job is done by one of them, under an advisory lock, once a tick. A job works in
batches, a commit each; told to stop it ends between two, and the next run does the rest. Every
run leaves a row in `job_runs`: see `mithril mithril-scheduler jobs`, or `GET /jobs` on the
internal listener. `mithril mithril-scheduler run JOB` runs one by hand.
"""

_FOOT = """\
## What it costs

Taking a week of tokens away takes the same time for ten thousand as for a million. It needs
the table to itself for some milliseconds, and asks for it a tenth of a second at a time:
requests wait for no longer than that, and none fails. The partition leaves its table under the
name `retired_…` and is dropped right after the run, since removing its files takes time by
their size. Making a partition asks for the table in the same way.

Moving rows out of a default partition is the exception: the table is locked while they move,
some seven seconds a million. That happens only where the scheduler has not run for weeks, or
tokens outlive `AUTH_ACCESS_TOKEN_LIFETIME` and `AUTH_REFRESH_TOKEN_LIFETIME` as the scheduler
knows them: give it the same values as mithril-api.

## What is not deleted here

Users, clients, roles, consents and the history of passwords and blocks stay until someone
deletes them through the API. The audit log has its own retention, in `abac-log-consumer`.
"""


def render() -> str:
    """The document."""
    return "\n".join([_HEAD, *(_section(job) for job in JOBS), _FOOT])


def _section(job: Job) -> str:
    lines = [f"## `{job.name}`", "", job.what, "", f"- Why: {job.reason}"]
    if job.kept_for is not None:
        lines.append(f"- After: {_setting(job.kept_for)} days")
    lines += [f"- When: {_setting(job.schedule)}", ""]
    return "\n".join(lines)


def _setting(name: str) -> str:
    field = Settings.model_fields[name]
    return f"`{field.validation_alias}` (`{field.default}`)"
