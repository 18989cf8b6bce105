"""Whether a workload reaches the Service whose address it is given."""

import re
from collections.abc import Iterator

from k8s.objects import (
    Object,
    containers_of,
    environment_of,
    labels_of_pods,
    name_of,
    of_kind,
    pods_of,
    ports_of,
    selects,
)

_ADDRESS = re.compile(r"https?://([a-z0-9-]+):(\d+)")


def callers_reach_whom_they_call(objects: list[Object]) -> Iterator[str]:
    """An address among the settings is that of a Service here, and the policies let it through."""
    for owner, pod in pods_of(objects):
        for container in containers_of(pod):
            for name, value in environment_of(container, objects).items():
                for fault in _kept_from(objects, owner, value or ""):
                    yield f"{name_of(owner)}: {name}: {fault}"


def _kept_from(objects: list[Object], owner: Object, address: str) -> Iterator[str]:
    found = _ADDRESS.fullmatch(address)
    if found is None or found[1] == "localhost":  # that one is for a browser to open
        return
    name, port = found[1], int(found[2])
    services = [
        item for item in of_kind(objects, "Service") if item["metadata"]["name"] == name
    ]
    targets = [
        item["targetPort"]
        for service in services
        for item in service["spec"]["ports"]
        if item["port"] == port
    ]
    if not targets:
        yield f"there is no `{name}:{port}`"
        return
    callee = {"matchLabels": services[0]["spec"]["selector"]}
    for behind, _ in pods_of(objects):
        if selects(callee, labels_of_pods(behind)):
            yield from _closed(objects, owner, behind, targets[0])


def _closed(
    objects: list[Object], owner: Object, behind: Object, port: str
) -> Iterator[str]:
    ours, theirs = labels_of_pods(owner), labels_of_pods(behind)
    name = behind["metadata"]["name"]
    if not _opens(objects, "egress", "to", whose=ours, peer=theirs, port=port):
        yield f"no NetworkPolicy lets it out to `{port}` of {name}"
    if not _opens(objects, "ingress", "from", whose=theirs, peer=ours, port=port):
        yield f"no NetworkPolicy lets it in at `{port}` of {name}"
    if port not in ports_of(behind["spec"]["template"]["spec"]):
        yield f"{name} has no port `{port}`"


def _opens(
    objects: list[Object],
    way: str,
    side: str,
    *,
    whose: dict[str, str],
    peer: dict[str, str],
    port: str,
) -> bool:
    """Whether a policy on pods with some labels opens a port to those of a peer."""
    return any(
        selects(policy["spec"]["podSelector"], whose)
        and any(item["port"] == port for item in rule["ports"])
        and any(
            "namespaceSelector" not in other and selects(other.get("podSelector", {}), peer)
            for other in rule[side]
        )
        for policy in of_kind(objects, "NetworkPolicy")
        for rule in policy["spec"].get(way, [])
    )
