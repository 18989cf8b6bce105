"""All that an action may use that is not pure."""

from collections.abc import Callable
from dataclasses import dataclass

from services.abac_api.domain.policies import Policies
from services.abac_api.settings import Settings
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
    policies: Policies
    committed: Callable[[], None]  # called after a commit that published: wakes our relay
