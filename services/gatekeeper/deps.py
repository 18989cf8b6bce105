"""All that an action may use that is not pure."""

from dataclasses import dataclass

from services.gatekeeper.domain.rules import Rules
from services.gatekeeper.limiter import Limiter
from services.gatekeeper.metrics import Metrics
from services.gatekeeper.proofs import SeenProofs
from services.gatekeeper.settings import Settings
from services.gatekeeper.verifying import Verifier
from shared.peers.abac import AbacApi
from shared.runtime.clock import Clock
from shared.runtime.entropy import Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Given to every action; made once, in `app.py`."""

    settings: Settings
    rules: Rules
    verifier: Verifier
    abac: AbacApi
    proofs: SeenProofs
    limiter: Limiter
    clock: Clock
    entropy: Entropy
    metrics: Metrics
