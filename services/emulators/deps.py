"""What the emulators keep, in memory alone."""

from dataclasses import dataclass, field

from services.emulators.domain.faults import NAMES, NO_FAULT, Fault
from services.emulators.domain.outbox import Outbox
from services.emulators.domain.sample_client import SampleClient, SignIns
from services.emulators.settings import Settings
from shared.peers.session import SharedSession
from shared.runtime.clock import Clock
from shared.runtime.entropy import Entropy

PERSONS_MOST = 10_000


@dataclass(slots=True, kw_only=True)
class Deps:
    """Given to every handler; made once, in `app.py`."""

    clock: Clock
    entropy: Entropy
    settings: Settings
    outbox: Outbox
    session: SharedSession
    faults: dict[str, Fault] = field(default_factory=lambda: dict.fromkeys(NAMES, NO_FAULT))
    persons: dict[str, dict[str, str | None]] = field(default_factory=dict)
    client: SampleClient | None = None
    sign_ins: SignIns = field(default_factory=SignIns)

    def word(self) -> str:
        """128 random bits, as text."""
        return f"{self.entropy.bits(128):032x}"
