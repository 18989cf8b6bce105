"""Named places where a test may end the process, to force the crash it is about.

`MITHRIL_FAILPOINTS=relay.acked:3` kills the process without ceremony the third time that
`reach("relay.acked")` is called. Unset, as everywhere but in tests, a call costs a look-up.
"""

import os
import signal

_remaining: dict[str, int] = {
    name: int(count or 1)
    for name, _, count in (
        item.partition(":")
        for item in os.environ.get("MITHRIL_FAILPOINTS", "").split(",")
        if item
    )
}


def reach(name: str) -> None:
    """Say that the process is at a place; it ends here if a test asked for that."""
    if name not in _remaining:
        return
    _remaining[name] -= 1
    if _remaining[name] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
