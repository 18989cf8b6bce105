"""What runs on a cluster: every service, and each open to its own callers only."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from k8s import check, rendering
from k8s.objects import Object, is_ours, labels_of_pods, of_kind, pods_of, selects
from k8s.settings import every_settings, settings_of

SERVICES = rendering.ROOT / "services"

_PUBLIC_CALLERS = {
    "mithril-api": {
        "gatekeeper-mithril",
        "admin-gatekeeper-web",
        "auth-web",
        "ingress-nginx",
    },
    "mithril-scheduler": set(),
    "abac-api": {"gatekeeper-mithril", "admin-gatekeeper-web"},
    "abac-log-consumer": {"ingress-nginx", "admin-web"},
    "gatekeeper-mithril": {"ingress-nginx"},
    "admin-gatekeeper-web": {"ingress-nginx"},
    "auth-web": {"ingress-nginx"},
    "admin-web": {"gatekeeper-mithril"},
}
_INTERNAL_CALLERS = {
    "mithril-api": {
        "gatekeeper-mithril",
        "admin-gatekeeper-web",
        "auth-web",
        "admin-web",
        "mithril-scheduler",
        "abac-log-consumer",
    },
    "mithril-scheduler": {"admin-web"},
    "abac-api": {"admin-web"},
    "abac-log-consumer": {"admin-web"},
    "gatekeeper-mithril": set(),
    "admin-gatekeeper-web": set(),
    "auth-web": set(),
    "admin-web": set(),
}
_LAPTOP_ONLY = {"emulators"}  # stand-ins for outside systems are never on a cluster


@pytest.mark.parametrize("overlay", rendering.OVERLAYS)
def test_each_public_listener_is_open_to_its_own_callers_only(
    overlay: str, overlays: dict[str, list[Object]]
) -> None:
    objects = overlays[overlay]
    found = {
        owner["metadata"]["name"]: set(_callers(objects, labels_of_pods(owner), "public"))
        for owner in of_kind(objects, "Deployment")
    }

    assert found == _PUBLIC_CALLERS


@pytest.mark.parametrize("overlay", rendering.OVERLAYS)
def test_each_internal_listener_is_open_to_its_own_callers_and_to_monitoring(
    overlay: str, overlays: dict[str, list[Object]]
) -> None:
    objects = overlays[overlay]
    found = {
        owner["metadata"]["name"]: set(_callers(objects, labels_of_pods(owner), "internal"))
        for owner in of_kind(objects, "Deployment")
    }

    assert found == {
        name: callers | {"monitoring"} for name, callers in _INTERNAL_CALLERS.items()
    }


def test_the_example_of_an_ingress_is_valid_and_leads_to_services_that_are_there(
    production: list[Object],
) -> None:
    text = (rendering.ROOT / "k8s/examples/ingress.yaml").read_text()
    example: list[Object] = list(yaml.safe_load_all(text))
    there = {item["metadata"]["name"] for item in of_kind(production, "Service")}

    assert [fault for item in example for fault in check.misshapen(item)] == []
    led_to = {
        path["backend"]["service"]["name"]
        for item in of_kind(example, "Ingress")
        for rule in item["spec"]["rules"]
        for path in rule["http"]["paths"]
    }
    assert led_to - there == {"your-service"}


def _callers(objects: list[Object], labels: dict[str, str], port: str) -> Iterator[str]:
    for policy in of_kind(objects, "NetworkPolicy"):
        if not selects(policy["spec"]["podSelector"], labels):
            continue
        for rule in policy["spec"].get("ingress", []):
            if {"port": port} in rule["ports"]:
                for peer in rule["from"]:
                    yield from _names_of_peer(peer)


def _names_of_peer(peer: dict[str, Any]) -> Iterator[str]:
    for selector in peer.values():
        yield from selector.get("matchLabels", {}).values()
        for listed in selector.get("matchExpressions", []):
            yield from listed["values"]


@pytest.mark.parametrize("overlay", rendering.OVERLAYS)
def test_every_service_runs_and_every_database_is_migrated_by_its_owner(
    overlay: str, overlays: dict[str, list[Object]]
) -> None:
    def run_as(kind: str) -> dict[object, str]:
        pods = (
            owner["spec"]["template"]["spec"] for owner in ours if owner["kind"] == kind
        )
        args = [pod["containers"][0]["args"] for pod in pods]
        return {settings_of(command): verb for command, verb in args}

    ours = [item for item, _ in pods_of(overlays[overlay]) if is_ours(item)]
    settings = every_settings()
    owners = {path.parent.name for path in SERVICES.glob("*/migrations")}
    served = [settings[name] for name in settings if name not in _LAPTOP_ONLY]
    assert run_as("Deployment") == dict.fromkeys(served, "serve")
    assert run_as("Job") == {settings[name]: "migrate" for name in owners}


def test_an_outage_takes_one_replica_of_each_service_at_a_time(
    production: list[Object],
) -> None:
    guarded = {
        item["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]
        for item in of_kind(production, "PodDisruptionBudget")
        if item["spec"]["maxUnavailable"] == 1
    }

    assert guarded == {
        item["metadata"]["name"] for item in of_kind(production, "Deployment")
    }
