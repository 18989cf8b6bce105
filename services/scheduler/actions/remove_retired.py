"""Drop the tables of partitions that jobs took out of their parents."""

from services.scheduler.deps import Deps
from shared.runtime import logging, partitions

_log = logging.get("removal")


async def remove_retired(deps: Deps) -> list[str]:
    """Drop each in a transaction of its own. Returns which.

    What a process that died left behind is found as well, so the order of things is: retired
    with the event that tells of it, removed some time after.
    """
    deps.retired.clear()
    async with deps.db.read() as conn:
        names = await partitions.retired(conn)
    for name in names:
        async with deps.db.begin() as conn:
            await partitions.remove(conn, name)
        _log.info("partition removed", table=name)
    return names
