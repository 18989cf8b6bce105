"""All that the code-exchange back end uses beside HTTP; made once, in `app.py`."""

from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from services.gatekeeper.metrics import Metrics
from services.gatekeeper.refreshing import Refresher
from services.gatekeeper.settings import Settings
from services.gatekeeper.verifying import Verifier
from shared.peers.mithril_grants import MithrilGrants
from shared.runtime.clock import Clock
from shared.runtime.entropy import Entropy
from shared.runtime.sealed import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class BackEnd:
    """What actions and handlers of sessions are given."""

    settings: Settings
    sealer: Sealer
    grants: MithrilGrants
    refresher: Refresher
    verifier: Verifier
    upstream: Callable[[], aiohttp.ClientSession]
    clock: Clock
    entropy: Entropy
    metrics: Metrics
