"""Reading Cedar's JSON: what an expression looks at."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a path such as `context.patient.id`: at what is there, or only whether."""

    path: tuple[str, ...]
    whether: bool


def looks_of(node: Any) -> Iterator[Look]:
    """Everything that an expression looks at, in the order it is written."""
    if isinstance(node, list):
        for item in node:
            yield from looks_of(item)
    if not isinstance(node, dict):
        return
    path = _path_of(node)
    if path is not None:
        yield Look(path, whether="has" in node)
        return
    for key, value in node.items():
        if key != "Value":
            yield from looks_of(value)


def _path_of(node: dict[str, Any]) -> tuple[str, ...] | None:
    if isinstance(node.get("Var"), str):
        return (node["Var"],)
    step = node.get(".") or node.get("has")
    if not isinstance(step, dict):
        return None
    before = _path_of(step["left"])
    return None if before is None else (*before, step["attr"])
