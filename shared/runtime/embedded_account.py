"""Which system account runs an embedded PostgreSQL: it refuses to be run by root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

# Accounts that exist already are used, so that nothing is added to the machine.
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A system account for a child process; without numbers, the one we run as."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> tuple[int, ...] | None:
        """The supplementary groups the child has: ours, or none."""
        return None if self.uid is None else ()

    def take(self, path: Path) -> None:
        """Make the path this account's own."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def reach(self, path: Path) -> None:
        """Make the path reachable for this account: passing through, never listing."""
        if self.uid is None:
            return
        for folder in path.parents:
            _allow(folder, stat.S_IXOTH, but_for=self.uid)

    def read(self, tree: Path) -> None:
        """Make a tree of programs readable, as one installed with a strict umask is not."""
        if self.uid is None or tree.stat().st_mode & stat.S_IROTH:
            return
        for folder, _, names in os.walk(tree):
            _allow(Path(folder), stat.S_IROTH | stat.S_IXOTH, but_for=self.uid)
            for name in names:
                file = Path(folder, name)
                owner_runs = file.stat().st_mode & stat.S_IXUSR
                _allow(
                    file,
                    stat.S_IROTH | (stat.S_IXOTH if owner_runs else 0),
                    but_for=self.uid,
                )


def account_for(cluster: Path) -> Account:
    """Choose who runs a cluster: its owner if it exists; never root."""
    if os.geteuid() != 0:
        return Account()
    if cluster.exists() and (found := cluster.stat()).st_uid != 0:
        return Account(uid=found.st_uid, gid=found.st_gid)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise RuntimeError(f"root may not run PostgreSQL, and none of {_UNPRIVILEGED} exists")


def _allow(path: Path, bits: int, *, but_for: int) -> None:
    found = path.stat()
    if found.st_uid != but_for and found.st_mode & bits != bits:
        path.chmod(stat.S_IMODE(found.st_mode) | bits)
