"""The shapes of the Prometheus Operator's objects, as far as ours go: nothing unknown.

Kubernetes' published schemas know no custom resources.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from k8s.objects import Object

_DURATION = r"^([0-9]+(ms|[smhdwy]))+$"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class _Metadata(_Shape):
    name: str
    namespace: str


class _Rule(_Shape):
    alert: str
    expr: str
    for_: str = Field("0s", alias="for", pattern=_DURATION)
    labels: dict[str, str]
    annotations: dict[str, str]


class _Group(_Shape):
    name: str
    rules: list[_Rule]


class _Groups(_Shape):
    groups: list[_Group]


class PrometheusRule(_Shape):
    """Alert rules."""

    api_version: Literal["monitoring.coreos.com/v1"]
    kind: Literal["PrometheusRule"]
    metadata: _Metadata
    spec: _Groups


class _Relabeling(_Shape):
    source_labels: list[str]
    target_label: str


class _Endpoint(_Shape):
    port: str
    path: str
    interval: str = Field(pattern=_DURATION)
    relabelings: list[_Relabeling]


class _Selector(_Shape):
    match_labels: dict[str, str]


class _Monitored(_Shape):
    job_label: str
    selector: _Selector
    pod_metrics_endpoints: list[_Endpoint]


class PodMonitor(_Shape):
    """Which pods are scraped."""

    api_version: Literal["monitoring.coreos.com/v1"]
    kind: Literal["PodMonitor"]
    metadata: _Metadata
    spec: _Monitored


_SHAPES: dict[str, type[_Shape]] = {
    "PrometheusRule": PrometheusRule,
    "PodMonitor": PodMonitor,
}


def is_custom(item: Object) -> bool:
    """Whether an object is of a kind whose shape is described here."""
    return item["kind"] in _SHAPES


def mistakes_of(item: Object) -> list[str]:
    """What is wrong with the shape of such an object, a line each."""
    try:
        _SHAPES[item["kind"]].model_validate(item)
    except ValidationError as error:
        return [_line(mistake) for mistake in error.errors()]
    return []


def _line(mistake: Any) -> str:
    return f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}"
