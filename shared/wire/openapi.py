"""An OpenAPI 3.1 document of routes, made of what they declare (see `operations`)."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.wire.openapi_answers import SHARED_SCHEMAS, answers
from shared.wire.openapi_schemas import Components, body_schema, parameters_of
from shared.wire.operations import Described, Takes

_PARAMETER = re.compile(r"\{(\w+)\}")


class DocumentError(Exception):
    """Two routes say different things in one place, or a route has no tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of a listener, and all that it declares."""

    listener: str
    method: str
    path: str
    described: Described


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What stands around the operations.

    `tags`: beginnings of paths to tags, a longer one before a shorter. `servers`: where each
    listener is; the first is where an operation is unless it says otherwise.
    """

    info: Mapping[str, Any]
    servers: Mapping[str, Mapping[str, Any]]
    tags: Mapping[str, str]
    about_tags: Mapping[str, str]
    security_schemes: Mapping[str, Mapping[str, Any]]


def document(routes: Sequence[Route], outline: Outline) -> dict[str, Any]:
    """The document. Routes that stand on two listeners are one operation."""
    components = Components(dict(SHARED_SCHEMAS))
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(routes, key=lambda item: (item.path, item.method)):
        at = paths.setdefault(route.path, {})
        made = _operation(route, outline, components)
        method = route.method.lower()
        at[method] = _merged(at[method], made) if method in at else made
    used = {
        tag for item in paths.values() for made in item.values() for tag in made["tags"]
    }
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": outline.info,
        "servers": [next(iter(outline.servers.values()))],
        "tags": [
            {"name": name, "description": text}
            for name, text in outline.about_tags.items()
            if name in used
        ],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.schemas.items())),
            "responses": dict(sorted(components.responses.items())),
            "securitySchemes": outline.security_schemes,
        },
    }


def _operation(route: Route, outline: Outline, components: Components) -> dict[str, Any]:
    described = route.described
    operation = described.operation
    summary, _, rest = inspect.cleandoc(operation.summary or described.doc).partition(
        "\n\n"
    )
    found: dict[str, Any] = {
        "operationId": _identifier(route),
        "tags": [_tag(route.path, outline)],
        "summary": " ".join(summary.split()),
        "x-listeners": [route.listener],
    }
    if rest:
        found["description"] = rest
    parameters = [*_of_path(route.path), *parameters_of(operation, components)]
    if parameters:
        found["parameters"] = parameters
    if operation.takes is not None:
        found["requestBody"] = _body(described, operation.takes, components)
    found["responses"] = answers(described, components, by_query=bool(operation.query))
    needs = [
        *operation.needs,
        *(need for layer in described.layers for need in layer.needs),
    ]
    found["security"] = [
        {need.scheme: list(need.scopes)} if need.scheme else {} for need in needs
    ]
    if route.listener != next(iter(outline.servers)):
        found["servers"] = [outline.servers[route.listener]]
    return found


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """One operation of two listeners: anything but who may call has to be the same."""
    apart = ("x-listeners", "servers", "security")
    shared = [
        {name: item for name, item in made.items() if name not in apart}
        for made in (one, other)
    ]
    if shared[0] != shared[1]:
        raise DocumentError(f"{one['operationId']} differs between listeners")
    names = [*one["x-listeners"], *other["x-listeners"]]
    security = [
        *one["security"],
        *(item for item in other["security"] if item not in one["security"]),
    ]
    return {**shared[0], "x-listeners": names, "security": security}


def _identifier(route: Route) -> str:
    words = re.findall(r"[A-Za-z0-9]+", route.path.replace("{", "by_"))
    return route.method.lower() + "".join(word[0].upper() + word[1:] for word in words)


def _tag(path: str, outline: Outline) -> str:
    for beginning, tag in outline.tags.items():
        if path.startswith(beginning):
            return tag
    raise DocumentError(f"no tag for {path}")


def _of_path(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"}
            if name == "id" or name.endswith("_id")
            else {"type": "string", "minLength": 1},
        }
        for name in _PARAMETER.findall(path)
    ]


def _body(described: Described, takes: Takes, components: Components) -> dict[str, Any]:
    wrapper = takes.wrapper
    if wrapper is not None:
        wrapper = wrapper.format(*described.arguments)
    content: dict[str, Any] = {
        "schema": body_schema(replace(takes, wrapper=wrapper), components)
    }
    if described.operation.examples:
        content["examples"] = {
            name: {"value": value} for name, value in described.operation.examples.items()
        }
    return {"required": takes.required, "content": {takes.media: content}}
