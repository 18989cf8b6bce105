"""The overlays as the API server gets them: rendered by kustomize, and kept in the tree.

The renderings in `k8s/rendered/` let a reviewer see what a change does to a cluster, and let
a machine with nothing but Python check the manifests: each names a digest of its sources.
Where there is a kustomize, it must render the same.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from k8s.objects import Object

ROOT = Path(__file__).resolve().parents[1]
OVERLAYS = ("local", "production")
_SOURCES = ("k8s/base", "k8s/components", "k8s/overlays", "deploy/databases")
_PINNED = "v5.7.1"


class RenderingError(Exception):
    """An overlay cannot be rendered, or its stored rendering cannot be believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kustomize:
    """A program that renders a directory to standard output."""

    name: str
    command: tuple[str, ...]

    def render(self, overlay: str) -> str:
        """The manifests of an overlay.

        Raises:
            RenderingError: kustomize refuses it.
        """
        made = _run(*self.command, f"k8s/overlays/{overlay}")
        if made.returncode != 0:
            raise RenderingError(f"{self.name}: {overlay}: {made.stderr.strip()}")
        return made.stdout


def find_kustomize() -> Kustomize | None:
    """The one on the PATH, kubectl's own, or one built by Go and kept; else none."""
    if found := shutil.which("kustomize"):
        return Kustomize(name="kustomize", command=(found, "build"))
    if (found := shutil.which("kubectl")) and _run(
        found, "kustomize", "-h"
    ).returncode == 0:
        return Kustomize(name="kubectl kustomize", command=(found, "kustomize"))
    kept = ROOT / ".cache" / f"kustomize-{_PINNED}"
    if not (kept / "kustomize").exists() and (go := shutil.which("go")):
        module = f"sigs.k8s.io/kustomize/kustomize/v5@{_PINNED}"
        _run("timeout", "300", "env", f"GOBIN={kept}", go, "install", module)
    if (kept / "kustomize").exists():
        name = f"kustomize {_PINNED} built by Go"
        return Kustomize(name=name, command=(str(kept / "kustomize"), "build"))
    return None


def write(kustomize: Kustomize, overlay: str) -> None:
    """Keep the rendering of an overlay."""
    head = (
        f"# What k8s/overlays/{overlay} is to a cluster. Written by"
        f" `python k8s/check.py --write`.\n{_mark()}\n"
    )
    _kept(overlay).parent.mkdir(exist_ok=True)
    _kept(overlay).write_text(head + kustomize.render(overlay))


def objects_of(overlay: str, kustomize: Kustomize | None) -> list[Object]:
    """The objects of an overlay.

    Raises:
        RenderingError: it cannot be rendered, or what is kept is not what the sources say.
    """
    stale = f"k8s/rendered/{overlay}.yaml is stale: `python k8s/check.py --write`"
    kept = _kept(overlay).read_text() if _kept(overlay).exists() else ""
    if kustomize is None:
        if _mark() not in kept.splitlines():
            raise RenderingError(f"{stale}, where there is kubectl, kustomize or Go")
        return parse(kept)
    fresh = parse(kustomize.render(overlay))
    if fresh != parse(kept) or _mark() not in kept.splitlines():
        raise RenderingError(stale)
    return fresh


def parse(manifests: str) -> list[Object]:
    """The objects of a stream of YAML documents."""
    return [item for item in yaml.safe_load_all(manifests) if item]


def _kept(overlay: str) -> Path:
    return ROOT / "k8s" / "rendered" / f"{overlay}.yaml"


def _mark() -> str:
    digest = hashlib.sha256()
    for path in _sources():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{content} {path.relative_to(ROOT).as_posix()}\n".encode())
    return f"# Sources: sha256:{digest.hexdigest()}"


def _sources() -> Iterator[Path]:
    for folder in _SOURCES:
        yield from sorted(path for path in (ROOT / folder).rglob("*") if path.is_file())


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 — the command is ours
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
