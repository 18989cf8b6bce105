"""Manifests as Python sees them, and the few questions that every promise asks of them."""

from collections.abc import Iterator
from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    """The objects of one kind."""
    return [item for item in objects if item["kind"] == kind]


def pods_of(objects: list[Object]) -> Iterator[tuple[Object, Object]]:
    """Each workload, and the pod it makes."""
    for item in objects:
        if item["kind"] in WORKLOADS:
            yield item, item["spec"]["template"]["spec"]


def labels_of_pods(owner: Object) -> dict[str, str]:
    """The labels of the pods that a workload makes."""
    return dict(owner["spec"]["template"]["metadata"]["labels"])


def containers_of(pod: Object) -> list[Object]:
    """Every container of a pod, those that run before the others too."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def ports_of(pod: Object) -> dict[str, int]:
    """The ports of a pod by their names."""
    return {
        port["name"]: port["containerPort"]
        for container in pod["containers"]
        for port in container.get("ports", [])
    }


def is_ours(owner: Object) -> bool:
    """Whether a workload runs Mithril's image, not a neighbour's."""
    return bool(
        owner["metadata"]["labels"].get("app.kubernetes.io/component") != "neighbour"
    )


def name_of(item: Object) -> str:
    """An object as a person calls it."""
    return f"{item['kind']} {item['metadata']['name']}"


def at(item: object, *path: str) -> Any:
    """What is at a path; none where the path ends early."""
    for step in path:
        item = item.get(step) if isinstance(item, dict) else None
    return item


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a selector that is not empty takes these labels."""
    exact = selector.get("matchLabels", {})
    listed = selector.get("matchExpressions", [])
    return (
        bool(exact or listed)
        and exact.items() <= labels.items()
        and all(
            item["operator"] == "In" and labels.get(item["key"]) in item["values"]
            for item in listed
        )
    )
