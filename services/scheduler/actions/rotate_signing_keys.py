"""Have the keys that sign tokens made and retired when their time has come.

mithril-api does it: no other process can open a private key.
"""

from services.scheduler.deps import Deps
from services.scheduler.work import Progress


async def rotate_signing_keys(deps: Deps, progress: Progress) -> None:
    """What is due, and no more; where mithril-api is away, the run has failed."""
    progress.checkpoint()
    done = await deps.mithril.keep_signing_keys()
    progress.affected = sum(done.values())
    progress.details.update(done)
