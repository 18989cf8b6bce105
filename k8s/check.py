"""`python k8s/check.py`: every overlay renders, is valid, and keeps its promises.

With `--write`, the renderings in `k8s/rendered/` are written anew first. With `--fresh`, a
machine without a kustomize is an error: the stored renderings are not enough.
"""

import argparse
import sys
from collections.abc import Iterator

import kubernetes_validate

from k8s import custom, promises, rendering
from k8s.objects import Object, name_of
from k8s.rendering import RenderingError

_OLDEST = "1.33"  # the oldest release of Kubernetes that these manifests are for


def main() -> None:
    """Check, and tell; exit 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the renderings anew")
    parser.add_argument("--fresh", action="store_true", help="insist on a kustomize")
    asked = parser.parse_args()
    kustomize = rendering.find_kustomize()
    if kustomize is None and (asked.write or asked.fresh):
        sys.exit("k8s: there is no kubectl, no kustomize, and no Go to build one")
    faults: list[str] = []
    for overlay in rendering.OVERLAYS:
        try:
            if asked.write and kustomize is not None:
                rendering.write(kustomize, overlay)
            objects = rendering.objects_of(overlay, kustomize)
        except RenderingError as error:
            faults.append(str(error))
            continue
        faults += [f"{overlay}: {fault}" for fault in faults_of(overlay, objects)]
    for fault in faults:
        print(f"k8s: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    by = "the renderings kept in the tree" if kustomize is None else kustomize.name
    print(f"k8s: {', '.join(rendering.OVERLAYS)}: valid, promises kept (by {by})")


def faults_of(overlay: str, objects: list[Object]) -> list[str]:
    """What is wrong with an overlay, a line each: its shape first, then its promises."""
    found = [fault for item in objects for fault in misshapen(item)]
    if found:
        return found
    if overlay != "local" and promises.holds_secrets(objects):
        found.append("holds a Secret; outside `local` they are named only")
    return found + promises.faults_of(objects)


def misshapen(item: Object) -> Iterator[str]:
    """Hold an object against the published schemas, oldest and newest; nothing unknown."""
    if custom.is_custom(item):
        yield from (f"{name_of(item)}: {mistake}" for mistake in custom.mistakes_of(item))
        return
    for version in (_OLDEST, kubernetes_validate.latest_version()):
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError as error:
            yield error.message
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            yield f"{name_of(item)}: {where}: {error.message} (Kubernetes {error.version})"


if __name__ == "__main__":
    main()
