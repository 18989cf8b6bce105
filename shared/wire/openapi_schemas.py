"""Schemas of what is taken: those of the models, with what `cast` does before they look.

As `cast` counts an empty text as absent, an optional field takes one, and a required text
does not.
"""

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, TypeAdapter

from shared.wire.casting import Body
from shared.wire.operations import Operation, Takes

_REFERENCE = "#/components/schemas/{model}"
_EMPTY = {"const": ""}


@dataclass(frozen=True, slots=True)
class Components:
    """Schemas and responses that have a name."""

    schemas: dict[str, Any]
    responses: dict[str, Any] = field(default_factory=dict)
    references: dict[Any, dict[str, Any]] = field(default_factory=dict)

    def named(self, kind: Any) -> dict[str, Any]:
        """A reference to the schema of a type that has a name, or the schema itself."""
        if (known := self.references.get(kind)) is not None:
            return known
        self.references[kind] = found = self._named(kind)
        return found

    def _named(self, kind: Any) -> dict[str, Any]:
        schema = TypeAdapter(kind).json_schema(
            mode="serialization", ref_template=_REFERENCE
        )
        for name, found in schema.pop("$defs", {}).items():
            self.keep(name, found)
        if schema.get("type") != "object" or "title" not in schema:
            return schema
        name = schema["title"]
        self.keep(name, schema)
        return {"$ref": _REFERENCE.format(model=name)}

    def keep(self, name: str, schema: dict[str, Any]) -> None:
        """Give a schema its name; raises `ValueError` where another one has it."""
        schema = untitled(schema)
        if self.schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two schemas are called {name}")


def untitled(schema: Any) -> Any:
    """A schema without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: (
            {key: untitled(value) for key, value in item.items()}
            if name in ("properties", "$defs")
            else untitled(item)
        )
        for name, item in schema.items()
        if name != "title" and not (name == "default" and item is None)
    }


def body_schema(takes: Takes, components: Components) -> dict[str, Any]:
    """The schema of a body."""
    found = [_model(model, components) for model in takes.models]
    if takes.media != "application/json":
        for schema in found:
            properties = schema["properties"].items()
            schema["properties"] = {name: _without_null(item) for name, item in properties}
    schema = found[0] if len(found) == 1 else {"anyOf": found}
    if takes.wrapper is None:
        return schema
    wrapped: dict[str, Any] = {"type": "object", "properties": {takes.wrapper: schema}}
    return {**wrapped, "required": [takes.wrapper]} if takes.required else wrapped


def parameters_of(operation: Operation, components: Components) -> list[dict[str, Any]]:
    """The query and the headers that an operation reads."""
    found: list[dict[str, Any]] = []
    if operation.query is not None:
        schema = _model(operation.query, components)
        required = schema.get("required", ())
        for name, found_item in schema["properties"].items():
            item = _without_null(found_item)
            text = item.pop("description", None)
            about = {} if text is None else {"description": text}
            is_required = {"required": True} if name in required else {}
            found.append(
                {"name": name, "in": "query", **about, **is_required, "schema": item}
            )
    for gives in operation.gives:
        if gives.paging:
            found += _paging(gives.paging)
    for name, text in operation.headers.items():
        header = {"name": name, "in": "header", "description": text}
        found.append({**header, "schema": {"type": "string"}})
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter, which has no null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    if not kinds:
        return schema
    about = {name: item for name, item in schema.items() if name != "anyOf"}
    return {**kinds[0], **about} if len(kinds) == 1 else {"anyOf": kinds, **about}


def _paging(number: str) -> list[dict[str, Any]]:
    text = "What is no positive number counts as the default."
    number_or_not = {"type": ["integer", "string"]}
    return [
        {
            "name": number,
            "in": "query",
            "description": f"Which page. {text}",
            "schema": {**number_or_not, "default": 1},
        },
        {
            "name": "page_size",
            "in": "query",
            "description": f"How many on one; there is a most. {text}",
            "schema": {**number_or_not, "default": 50},
        },
    ]


def _model(model: type[BaseModel], components: Components) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=_REFERENCE)
    for name, found in schema.pop("$defs", {}).items():
        components.keep(name, found)
    schema = untitled(schema)
    if issubclass(model, Body):
        required = schema.get("required", ())
        schema["properties"] = {
            name: _said(item) if name in required else _absent_too(item)
            for name, item in schema.get("properties", {}).items()
        }
    return dict(schema)


def _said(schema: dict[str, Any]) -> dict[str, Any]:
    """A required field: a text of nothing but spaces is none."""
    if (
        schema.get("type") != "string"
        or {"format", "enum", "const", "pattern"} & schema.keys()
    ):
        return schema
    return {**schema, "minLength": 1, "pattern": r"\S"}


def _absent_too(schema: dict[str, Any]) -> dict[str, Any]:
    """An optional field: an empty text is as good as none."""
    kinds = schema.get("anyOf", [schema])
    if any(
        kind.get("type") == "string"
        and not {"format", "enum", "const", "pattern"} & kind.keys()
        for kind in kinds
    ):
        return schema
    rest = {
        name: item for name, item in schema.items() if name in ("default", "description")
    }
    bare = [{key: item for key, item in kind.items() if key not in rest} for kind in kinds]
    return {"anyOf": [*bare, _EMPTY], **rest}
