"""Manifests as Python sees them, and the few questions that every promise asks of them."""

from base64 import b64decode
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


def environment_of(container: Object, objects: list[Object]) -> dict[str, str | None]:
    """What the process finds in its environment; none for what the operator keeps."""
    maps = {
        item["metadata"]["name"]: item["data"] for item in of_kind(objects, "ConfigMap")
    }
    secrets = {
        item["metadata"]["name"]: {
            key: b64decode(value).decode() for key, value in item["data"].items()
        }
        for item in of_kind(objects, "Secret")
    }
    found: dict[str, str | None] = {}
    for source in container.get("envFrom", []):
        found |= maps.get(source.get("configMapRef", {}).get("name"), {})
    for item in container.get("env", []):
        secret = item.get("valueFrom", {}).get("secretKeyRef")
        if secret is None:
            found[item["name"]] = item["value"]
        elif not secret.get("optional", False):
            found[item["name"]] = secrets.get(secret["name"], {}).get(secret["key"])
    return found


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
