"""The Kubernetes manifests: valid, true to their promises, and the checks notice breaches."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8s import check, promises, rendering
from k8s.objects import Object, of_kind
from k8s.settings import every_settings, names_of

Breach = Callable[[list[Object]], None]


@pytest.mark.parametrize("overlay", rendering.OVERLAYS)
def test_an_overlay_is_valid_and_keeps_its_promises(
    overlay: str, overlays: dict[str, list[Object]]
) -> None:
    assert check.faults_of(overlay, overlays[overlay]) == []


def _one(objects: list[Object], kind: str, name: str) -> Any:
    (found,) = (item for item in of_kind(objects, kind) if item["metadata"]["name"] == name)
    return found


def _pod(objects: list[Object], kind: str, name: str) -> Any:
    return _one(objects, kind, name)["spec"]["template"]["spec"]


def _container(objects: list[Object], kind: str, name: str) -> Any:
    return _pod(objects, kind, name)["containers"][0]


def _api(objects: list[Object]) -> Any:
    return _container(objects, "Deployment", "mithril-api")


def _scheduler(objects: list[Object]) -> Any:
    return _container(objects, "Deployment", "mithril-scheduler")


def _without_variable(objects: list[Object], kind: str, owner: str, name: str) -> None:
    container = _container(objects, kind, owner)
    container["env"] = [item for item in container["env"] if item["name"] != name]


def _without(objects: list[Object], kind: str, name: str) -> None:
    objects.remove(_one(objects, kind, name))


def _configure(objects: list[Object], name: str, value: str) -> None:
    (found,) = (
        item
        for item in of_kind(objects, "ConfigMap")
        if item["metadata"]["name"].startswith("mithril-")
    )
    found["data"][name] = value


def _close(objects: list[Object], policy: str, way: str, caller: str) -> None:
    spec = _one(objects, "NetworkPolicy", policy)["spec"]
    spec[way] = [rule for rule in spec[way] if caller not in str(rule)]


API = "Deployment mithril-api"
AUDIT = "Deployment abac-log-consumer"


@pytest.mark.parametrize(
    ("breach", "fault"),
    [
        pytest.param(
            lambda o: _pod(o, "Deployment", "mithril-api").pop("securityContext"),
            f"{API}: runAsNonRoot",
            id="may be root",
        ),
        pytest.param(
            lambda o: _api(o)["securityContext"].pop("readOnlyRootFilesystem"),
            f"{API}: service: readOnlyRootFilesystem",
            id="writes to its root",
        ),
        pytest.param(
            lambda o: _container(o, "Job", "mithril-api-migrate").pop("securityContext"),
            "Job mithril-api-migrate: service: capabilities",
            id="a job keeps its capabilities",
        ),
        pytest.param(
            lambda o: _api(o)["resources"].pop("limits"),
            f"{API}: service: limits",
            id="has no limits",
        ),
        pytest.param(
            lambda o: _api(o).update(image="mithril:latest"),
            f"{API}: service: image `mithril:latest` is not exact",
            id="runs whatever is latest",
        ),
        pytest.param(
            lambda o: _api(o).update(image="mithril"),
            f"{API}: service: image `mithril` is not exact",
            id="runs an image without a tag",
        ),
        pytest.param(
            lambda o: _api(o)["readinessProbe"]["httpGet"].update(path="/healthz"),
            f"{API}: readinessProbe",
            id="is ready when merely alive",
        ),
        pytest.param(
            lambda o: _api(o).pop("lifecycle"),
            f"{API}: preStop",
            id="ends before its endpoint is gone",
        ),
        pytest.param(
            lambda o: _one(o, "Deployment", "mithril-scheduler")["spec"].update(replicas=1),
            "Deployment mithril-scheduler: replicas",
            id="runs alone",
        ),
        pytest.param(
            lambda o: _without(o, "HorizontalPodAutoscaler", "mithril-api"),
            f"{API}: replicas",
            id="is scaled by nobody",
        ),
        pytest.param(
            lambda o: _without_variable(o, "Deployment", "mithril-api", "DATABASE_URL"),
            f"{API}: service: setting DATABASE_URL is not supplied",
            id="has no database",
        ),
        pytest.param(
            lambda o: _api(o).update(envFrom=_api(o)["envFrom"][:1]),
            f"{API}: service: setting KAFKA_BOOTSTRAP_SERVERS is not supplied",
            id="has no Kafka",
        ),
        pytest.param(
            lambda o: _without_variable(
                o, "Job", "mithril-api-migrate", "MITHRIL_SECRET_KEYS"
            ),
            "Job mithril-api-migrate: service: setting MITHRIL_SECRET_KEYS is not supplied",
            id="a job lacks what its settings want",
        ),
        pytest.param(
            lambda o: _scheduler(o)["env"].append({"name": "TOKEN_TLL", "value": "1"}),
            "Deployment mithril-scheduler: service: TOKEN_TLL is no setting of"
            " `mithril-scheduler`",
            id="sets what nobody reads",
        ),
        pytest.param(
            lambda o: _configure(o, "LOG_LEVEL", "loud"),
            f"{API}: service: setting LOG_LEVEL: Input should be 'debug', 'info', 'warning'"
            " or 'error'",
            id="is configured with nonsense",
        ),
        pytest.param(
            lambda o: _without(
                o, "ConfigMap", _api(o)["envFrom"][0]["configMapRef"]["name"]
            ),
            f"{API}: there is no ConfigMap `mithril`",
            id="is configured by what is not there",
        ),
        pytest.param(
            lambda o: _configure(o, "LOG_LEVLE", "info"),
            "ConfigMap mithril: LOG_LEVLE is no setting of a service that reads it",
            id="configures what nobody reads",
        ),
        pytest.param(
            lambda o: _api(o).update(args=["mithril-apo", "serve"]),
            f"{API}: service: no service has the command `mithril-apo`",
            id="runs no service",
        ),
        pytest.param(
            lambda o: _without(o, "NetworkPolicy", "default-deny"),
            "NetworkPolicy: nothing denies by default",
            id="anyone may call anyone",
        ),
        pytest.param(
            lambda o: _without(o, "NetworkPolicy", "to-postgres"),
            "Job mithril-api-migrate: no NetworkPolicy says whom it may call",
            id="may call nobody",
        ),
        pytest.param(
            lambda o: _without_variable(
                o, "Deployment", "abac-log-consumer", "MITHRIL_AUDIT_SIGNING_KEY"
            ),
            f"{AUDIT}: service: setting MITHRIL_AUDIT_SIGNING_KEY is not supplied",
            id="cannot sign",
        ),
        pytest.param(
            lambda o: _without(o, "NetworkPolicy", "abac-log-consumer-to-mithril-api"),
            f"{AUDIT}: MITHRIL_API_URL: no NetworkPolicy lets it out to `internal` of"
            " mithril-api",
            id="may not leave to whom it asks",
        ),
        pytest.param(
            lambda o: _close(o, "to-mithril-api", "ingress", "abac-log-consumer"),
            f"{AUDIT}: MITHRIL_API_URL: no NetworkPolicy lets it in at `internal` of"
            " mithril-api",
            id="may not come in where it asks",
        ),
        pytest.param(
            lambda o: _one(o, "Service", "mithril-api")["spec"]["ports"].pop(),
            f"{AUDIT}: MITHRIL_API_URL: there is no `mithril-api:8180`",
            id="asks at a port that nobody has",
        ),
        pytest.param(
            lambda o: _without(o, "ServiceAccount", "mithril-api"),
            f"{API}: there is no ServiceAccount `mithril-api`",
            id="has no account",
        ),
        pytest.param(
            lambda o: _api(o)["env"][0]["valueFrom"]["secretKeyRef"].update(name="other"),
            f"{API}: there is no Secret `other`",
            id="names a secret that nobody keeps",
        ),
        pytest.param(
            lambda o: _api(o)["ports"].pop(0),
            "Service mithril-api: there is no port `public`",
            id="a Service leads nowhere",
        ),
        pytest.param(
            lambda o: _one(o, "Service", "kafka")["spec"].update(externalName="k.invalid"),
            "Service kafka: externalName is not filled in",
            id="a neighbour has no address",
        ),
        pytest.param(
            lambda o: o.append({"kind": "CronJob", "metadata": {"name": "x"}}),
            "CronJob x: no promise looks at a CronJob",
            id="something runs unchecked",
        ),
    ],
)
def test_a_breach_is_noticed(breach: Breach, fault: str, production: list[Object]) -> None:
    breach(production)

    hashes = re.compile(r"-[bcdfghkmt2456789]{10}\b")  # of generated names
    assert fault in [hashes.sub("", found) for found in promises.faults_of(production)]


def test_a_field_that_kubernetes_does_not_know_is_noticed(production: list[Object]) -> None:
    _api(production)["readynessProbe"] = {}
    changed = [_one(production, "Deployment", "mithril-api")]

    (first, *_) = check.faults_of("production", changed)

    assert "readynessProbe" in first


def test_only_the_local_overlay_holds_secrets(overlays: dict[str, list[Object]]) -> None:
    secrets = of_kind(overlays["local"], "Secret")

    first, *_ = check.faults_of("production", secrets)

    assert first == "holds a Secret; outside `local` they are named only"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have sources of one's own to change."""
    for folder in ("k8s", "deploy"):
        shutil.copytree(rendering.ROOT / folder, tmp_path / folder)
    monkeypatch.setattr(rendering, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("copied")
def test_without_kustomize_the_kept_rendering_is_taken(
    overlays: dict[str, list[Object]],
) -> None:
    assert rendering.objects_of("production", None) == overlays["production"]


def test_without_kustomize_a_stale_rendering_is_refused(copied: Path) -> None:
    with (copied / "k8s/base/mithril-api/deployment.yaml").open("a") as file:
        file.write("# changed\n")

    with pytest.raises(rendering.RenderingError, match=r"production\.yaml is stale"):
        rendering.objects_of("production", None)


def test_every_setting_is_in_the_operators_manual() -> None:
    manual = (rendering.ROOT / "docs" / "operations.md").read_text()
    wanted = {
        f"`{name}`" for settings in every_settings().values() for name in names_of(settings)
    }

    assert {name for name in wanted if name not in manual} == set()
