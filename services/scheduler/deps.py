"""All that an action may use that is not pure."""

import asyncio
from dataclasses import dataclass, field

from services.scheduler.metrics import Metrics
from services.scheduler.settings import Settings
from shared.peers.mithril import MithrilApi
from shared.runtime.clock import Clock
from shared.runtime.entropy import Entropy
from shared.runtime.postgres import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Given to every action; made once, in `app.py`.

    `stop`, once set, asks jobs to end between two batches; `retired` says that tables of
    retired partitions wait for their removal.
    """

    db: Database
    clock: Clock
    entropy: Entropy
    settings: Settings
    metrics: Metrics
    mithril: MithrilApi  # verifies operators' tokens, and holds the signing keys
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    retired: asyncio.Event = field(default_factory=asyncio.Event)
