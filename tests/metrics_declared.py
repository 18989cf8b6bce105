"""The metrics that the code declares, with their labels, and what a PromQL query asks of them."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import promql_parser as promql
from prometheus_client import CollectorRegistry

ROOT = Path(__file__).parents[1]
# What Prometheus and the scrape configurations that we bring add to every series.
SCRAPED = frozenset({"job", "instance", "service"})

_METRIC_KIND = re.compile(r"\b(Counter|Gauge|Histogram|Summary|Info|Enum)\b")


def _metric_modules() -> Iterator[ModuleType]:
    for top in ("services", "shared"):
        for path in sorted((ROOT / top).rglob("*.py")):
            imports = re.findall(
                r"^from prometheus_client import (\([^)]*\)|.*)$",
                path.read_text(),
                re.MULTILINE,
            )
            if any(_METRIC_KIND.search(names) for names in imports):
                parts = path.relative_to(ROOT).with_suffix("").parts
                yield importlib.import_module(".".join(parts))


def _metric_classes(module: ModuleType) -> list[Callable[[CollectorRegistry], object]]:
    """The classes of a module which declare metrics when given a registry."""
    return [
        made
        for made in vars(module).values()
        if inspect.isclass(made)
        and made.__module__ == module.__name__
        and list(inspect.signature(made).parameters) == ["registry"]
    ]


def _registries() -> Iterator[CollectorRegistry]:
    for module in _metric_modules():
        registry = CollectorRegistry()
        classes = _metric_classes(module)
        assert classes, f"{module.__name__} makes metrics, but in no class of a registry"
        for declare in classes:
            declare(registry)
        yield registry


def families() -> set[str]:
    """The names by which the code and the manuals call metrics."""
    return {family.name for registry in _registries() for family in registry.collect()}


def series() -> dict[str, frozenset[str]]:
    """The labels of each series, under its name in Prometheus; and of `up`."""
    found: dict[str, frozenset[str]] = {"up": frozenset()}
    for registry in _registries():
        for name, collector in registry._names_to_collectors.items():
            labels = frozenset(getattr(collector, "_labelnames", ()))
            found[name] = labels | ({"le"} if name.endswith("_bucket") else set())
    return found


def faults_of(query: str, known: dict[str, frozenset[str]]) -> list[str]:
    """What a query asks of series that no process of ours has."""
    faults, labels, grouped = [], set(SCRAPED), set[str]()
    for node in _walk(promql.parse(query)):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            grouped |= set(node.modifier.labels)
        if not isinstance(node, promql.VectorSelector):
            continue
        if node.name not in known:
            faults.append(f"no metric {node.name}")
            continue
        labels |= known[node.name]
        matched = {matcher.name for matcher in node.matchers.matchers}
        alien = matched - known[node.name] - SCRAPED
        faults += [f"no label {name} of {node.name}" for name in sorted(alien)]
    return faults + [f"grouped by {name}" for name in sorted(grouped - labels)]


def metrics_of(query: str) -> set[str]:
    """The series that a query reads."""
    nodes = _walk(promql.parse(query))
    return {str(node.name) for node in nodes if isinstance(node, promql.VectorSelector)}


def _walk(node: promql.Expr) -> Iterator[promql.Expr]:
    yield node
    below = [
        getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector")
    ]
    for child in [*below, *(getattr(node, "args", None) or [])]:
        if child is not None:
            yield from _walk(child)
