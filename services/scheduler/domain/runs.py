"""What a run of a job is, and how it may end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID


class Outcome(StrEnum):
    """How a run ended, as kept in `job_runs`."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"  # asked to between two batches; the next run does the rest


class SkipReason(StrEnum):
    """Why a job was not run at all."""

    ELSEWHERE = "elsewhere"  # another process runs it now
    DONE = "done"  # another process did this tick already


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as kept. No outcome: it has not ended."""

    id: UUID
    job: str
    tick: datetime | None  # the scheduled moment; none where someone asked for the run
    started_at: datetime
    finished_at: datetime | None = None
    outcome: Outcome | None = None
    affected: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A job that was not run, and left no row."""

    job: str
    reason: SkipReason


Result: TypeAlias = Run | Skipped
