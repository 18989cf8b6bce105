"""Where a session's servers keep their files: in memory if there is room."""

import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ENOUGH = 2 * 1024**3
_PREFIX = "mithril-tests-"


def make_scratch_directory() -> Path:
    """Make a directory that nothing needs after the session.

    A database cloned and dropped for each test is some 8 MB written and deleted; that
    takes 20 ms in memory, and on a busy disk ten times as long. A container's share of
    memory may be as small as 64 MB, hence the look at what is free.
    """
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ENOUGH
    parent = _MEMORY if in_memory else None
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent)).resolve()
