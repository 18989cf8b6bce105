"""What every overlay promises. Each promise is a function from objects to faults."""

from collections.abc import Callable, Iterator

from k8s.objects import (
    Object,
    at,
    containers_of,
    environment_of,
    is_ours,
    labels_of_pods,
    name_of,
    of_kind,
    pods_of,
    ports_of,
    selects,
)
from k8s.reach import callers_reach_whom_they_call
from k8s.settings import complaints_of, names_of, settings_of

# Held by the operator's secret store: the manifests only name them.
_SECRETS_BY_REFERENCE = {
    "mithril-database",
    "abac-database",
    "audit-database",
    "mithril-keys",
    "audit-keys",
    "kafka-credentials",
    "outside-systems",
    "auth-web-keys",
    "admin-web-keys",
    "gatekeeper-mithril-keys",
    "admin-gatekeeper-web-keys",
}


def faults_of(objects: list[Object]) -> list[str]:
    """Every promise that these objects break, a line each."""
    return [fault for promise in _PROMISES for fault in promise(objects)]


def workloads_are_of_kinds_we_check(objects: list[Object]) -> Iterator[str]:
    """Nothing runs that the other promises would not look at."""
    for item in objects:
        if item["kind"] in {"CronJob", "Pod", "ReplicaSet", "ReplicationController"}:
            yield f"{name_of(item)}: no promise looks at a {item['kind']}"


def pods_are_hardened(objects: list[Object]) -> Iterator[str]:
    """Not root, no capability, no token, no new privilege; our own also write nothing."""
    for owner, pod in pods_of(objects):
        context = pod.get("securityContext", {})
        wanted = {
            "runAsNonRoot": context.get("runAsNonRoot") is True,
            "runAsUser": context.get("runAsUser", 0) > 0,
            "seccompProfile": context.get("seccompProfile") == {"type": "RuntimeDefault"},
            "automountServiceAccountToken": pod.get("automountServiceAccountToken")
            is False,
            "enableServiceLinks": pod.get("enableServiceLinks") is False,
        }
        yield from (
            f"{name_of(owner)}: {name}" for name, held in wanted.items() if not held
        )
        for container in containers_of(pod):
            own = container.get("securityContext", {})
            where = f"{name_of(owner)}: {container['name']}"
            if own.get("allowPrivilegeEscalation") is not False:
                yield f"{where}: allowPrivilegeEscalation"
            if own.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{where}: capabilities"
            if is_ours(owner) and own.get("readOnlyRootFilesystem") is not True:
                yield f"{where}: readOnlyRootFilesystem"


def containers_are_bounded(objects: list[Object]) -> Iterator[str]:
    """An exact image, and requests and limits for processor and memory."""
    for owner, pod in pods_of(objects):
        for container in containers_of(pod):
            where = f"{name_of(owner)}: {container['name']}"
            _, _, tag = container["image"].rpartition("/")[2].partition(":")
            if tag in {"", "latest"}:
                yield f"{where}: image `{container['image']}` is not exact"
            resources = container.get("resources", {})
            for kind in ("requests", "limits"):
                if set(resources.get(kind, {})) != {"cpu", "memory"}:
                    yield f"{where}: {kind}"


def services_are_rolled_without_loss(objects: list[Object]) -> Iterator[str]:
    """Probes on the internal listener, an end that waits, and never one replica too few."""
    least = {
        item["spec"]["scaleTargetRef"]["name"]: item["spec"]["minReplicas"]
        for item in of_kind(objects, "HorizontalPodAutoscaler")
    }
    for owner in of_kind(objects, "Deployment"):
        spec, pod = owner["spec"], owner["spec"]["template"]["spec"]
        container = pod["containers"][0]
        replicas = spec.get("replicas", least.get(owner["metadata"]["name"], 1))
        pause = at(container, "lifecycle", "preStop", "sleep", "seconds") or 0
        grace = pod.get("terminationGracePeriodSeconds", 0)
        wanted = {
            "replicas": replicas >= 2,
            "maxUnavailable": at(spec, "strategy", "rollingUpdate", "maxUnavailable") == 0,
            "preStop": pause > 0,
            "terminationGracePeriodSeconds": grace >= 25 + pause,
            "startupProbe": _asks(container, "startupProbe", "/healthz"),
            "livenessProbe": _asks(container, "livenessProbe", "/healthz"),
            "readinessProbe": _asks(container, "readinessProbe", "/readyz"),
            "prometheus.io/port": _scraped_at(owner) == str(ports_of(pod).get("internal")),
        }
        yield from (
            f"{name_of(owner)}: {name}" for name, held in wanted.items() if not held
        )


def settings_are_supplied(objects: list[Object]) -> Iterator[str]:
    """Every setting without a default is given, every value parses, no name is unknown."""
    for owner, pod in pods_of(objects):
        if not is_ours(owner):
            continue
        for container in containers_of(pod):
            where = f"{name_of(owner)}: {container['name']}"
            command = container["args"][0]
            settings = settings_of(command)
            if settings is None:
                yield f"{where}: no service has the command `{command}`"
                continue
            given, names = environment_of(container, objects), names_of(settings)
            for name, required in names.items():
                if required and name not in given:
                    yield f"{where}: setting {name} is not supplied"
            known = {name: value for name, value in given.items() if value is not None}
            kept = (
                given.keys() - known.keys()
            )  # by the operator: they cannot be missed here
            for complaint in complaints_of(settings, known):
                if not any(name in complaint for name in kept):
                    yield f"{where}: setting {complaint}"
            for item in container.get("env", []):
                if item["name"] not in names:
                    yield f"{where}: {item['name']} is no setting of `{command}`"


def configuration_is_known(objects: list[Object]) -> Iterator[str]:
    """What a ConfigMap puts into an environment is a setting of a service that reads it."""
    known: dict[str, set[str]] = {}
    for owner, pod in pods_of(objects):
        if not is_ours(owner):
            continue
        for container in containers_of(pod):
            settings = settings_of(container["args"][0])
            names = {} if settings is None else names_of(settings)
            for source in container.get("envFrom", []):
                known.setdefault(source["configMapRef"]["name"], set()).update(names)
    for item in of_kind(objects, "ConfigMap"):
        if item["metadata"]["name"] in known:
            for name in sorted(set(item["data"]) - known[item["metadata"]["name"]]):
                yield f"{name_of(item)}: {name} is no setting of a service that reads it"


def nobody_calls_unasked(objects: list[Object]) -> Iterator[str]:
    """Traffic is denied by default, and each workload has a policy that says otherwise."""
    policies = [item["spec"] for item in of_kind(objects, "NetworkPolicy")]
    everything = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    if everything not in policies:
        yield "NetworkPolicy: nothing denies by default"
    for owner, pod in pods_of(objects):
        labels = labels_of_pods(owner)
        mine = [
            policy
            for policy in policies
            if policy["podSelector"] and selects(policy["podSelector"], labels)
        ]
        ports = ports_of(pod)
        if ports and not any("ingress" in policy for policy in mine):
            yield f"{name_of(owner)}: no NetworkPolicy says who may call it"
        if is_ours(owner) and not any("egress" in policy for policy in mine):
            yield f"{name_of(owner)}: no NetworkPolicy says whom it may call"
        for policy in mine:
            for rule in policy.get("ingress", []):
                for port in rule["ports"]:
                    if port["port"] not in ports:
                        yield f"{name_of(owner)}: a NetworkPolicy opens `{port['port']}`"


def pods_find_what_they_name(objects: list[Object]) -> Iterator[str]:
    """Configuration, secrets and accounts are there, or the operator's to keep."""
    there = {(item["kind"], item["metadata"]["name"]) for item in objects}
    there |= {("Secret", name) for name in _SECRETS_BY_REFERENCE}
    for owner, pod in pods_of(objects):
        for kind, name in _named_by(pod):
            if (kind, name) not in there:
                yield f"{name_of(owner)}: there is no {kind} `{name}`"


def services_find_their_pods(objects: list[Object]) -> Iterator[str]:
    """Each Service has one workload behind it, with the ports it names, or a host."""
    for service in of_kind(objects, "Service"):
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            if spec["externalName"].endswith(".invalid"):
                yield f"{name_of(service)}: externalName is not filled in"
            continue
        selector = {"matchLabels": spec.get("selector", {})}
        behind = [
            ports_of(pod)
            for owner, pod in pods_of(objects)
            if selects(selector, labels_of_pods(owner))
        ]
        if len(behind) != 1:
            yield f"{name_of(service)}: selects {len(behind)} workloads"
            continue
        for port in spec["ports"]:
            if port["targetPort"] not in behind[0]:
                yield f"{name_of(service)}: there is no port `{port['targetPort']}`"


def policies_find_their_workloads(objects: list[Object]) -> Iterator[str]:
    """What is scaled, protected from eviction or opened to callers is there."""
    names = {(item["kind"], item["metadata"]["name"]) for item in objects}
    for item in of_kind(objects, "HorizontalPodAutoscaler"):
        target = item["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) not in names:
            yield f"{name_of(item)}: there is no {target['kind']} `{target['name']}`"
    labels = [labels_of_pods(owner) for owner, _ in pods_of(objects)]
    for kind, field in (
        ("PodDisruptionBudget", "selector"),
        ("NetworkPolicy", "podSelector"),
    ):
        for item in of_kind(objects, kind):
            selector = item["spec"][field]
            if selector and not any(selects(selector, each) for each in labels):
                yield f"{name_of(item)}: selects nothing"


_PROMISES: tuple[Callable[[list[Object]], Iterator[str]], ...] = (
    workloads_are_of_kinds_we_check,
    pods_are_hardened,
    containers_are_bounded,
    services_are_rolled_without_loss,
    settings_are_supplied,
    nobody_calls_unasked,
    callers_reach_whom_they_call,
    pods_find_what_they_name,
    services_find_their_pods,
    policies_find_their_workloads,
    configuration_is_known,
)


def holds_secrets(objects: list[Object]) -> bool:
    """Whether a secret's value is among the objects."""
    return bool(of_kind(objects, "Secret"))


def _asks(container: Object, probe: str, path: str) -> bool:
    return bool(at(container, probe, "httpGet") == {"path": path, "port": "internal"})


def _scraped_at(owner: Object) -> object:
    annotations = at(owner, "spec", "template", "metadata", "annotations")
    return at(annotations, "prometheus.io/port")


def _named_by(pod: Object) -> Iterator[tuple[str, str]]:
    if "serviceAccountName" in pod:
        yield "ServiceAccount", pod["serviceAccountName"]
    for volume in pod.get("volumes", []):
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
    for container in containers_of(pod):
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                yield "ConfigMap", source["configMapRef"]["name"]
            if "secretRef" in source:
                yield "Secret", source["secretRef"]["name"]
        for item in container.get("env", []):
            if secret := item.get("valueFrom", {}).get("secretKeyRef"):
                yield "Secret", secret["name"]
