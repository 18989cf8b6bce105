"""All that an action may use that is not pure."""

import asyncio
from dataclasses import dataclass, field

from services.scheduler.metrics import Metrics
from services.scheduler.settings import Settings
from shared.runtime.clock import Clock
from shared.runtime.entropy import Entropy
from shared.runtime.postgres import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Given to every action; made once, in `app.py`."""

    db: Database
    clock: Clock
    entropy: Entropy
    settings: Settings
    metrics: Metrics
    stop: asyncio.Event = field(
        default_factory=asyncio.Event
    )  # set: end between two batches
