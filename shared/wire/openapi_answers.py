"""Answers in an OpenAPI document: successes as declared, refusals as each style writes them."""

from collections.abc import Mapping
from typing import Any

from shared.wire.openapi_schemas import Components
from shared.wire.operations import Described, Gives, Style

_MEANS: Mapping[int, str] = {
    400: "The request cannot be read: broken JSON, no wrapper, or an id that is no UUID.",
    401: "It is not known who is calling, or what was shown is no longer good.",
    403: "Who is calling may not do this.",
    404: "There is no such thing, or not for who is calling.",
    406: "`Accept` does not allow JSON.",
    408: "The body did not arrive in time.",
    409: "It is not in a state in which this can be done.",
    413: "The body is too large.",
    415: "`Content-Type` is not `application/json`.",
    422: "Fields of the request are unfit; each is named.",
    429: "Too many requests; `Retry-After` says when to come again.",
    503: "Something that is needed is away; trying again is safe.",
}
_RETRIED = (429, 503)


def _object(required: Mapping[str, Any], optional: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
    }


_TEXT = {"type": "string"}
SHARED_SCHEMAS: Mapping[str, Any] = {
    "Meta": {
        **_object(
            {
                "url": {**_TEXT, "description": "What was called, without its query."},
                "type": {"enum": ["object", "list"]},
                "code": {"type": "integer", "description": "The status."},
                "request_id": {**_TEXT, "description": "As `X-Request-ID`."},
            },
            {"idempotency_key": {**_TEXT, "description": "As `X-Idempotency-Key`."}},
        ),
        "description": "What an answer says about the request it answers.",
    },
    "Paging": {
        **_object(
            {
                "page_number": {"type": "integer", "minimum": 1},
                "page_size": {"type": "integer", "minimum": 1},
                "total_entries": {"type": "integer", "minimum": 0},
                "total_pages": {"type": "integer", "minimum": 1},
            },
            {},
        ),
        "description": "Where in the list the page stands.",
    },
    "Refusal": {
        **_object(
            {
                "meta": {"$ref": "#/components/schemas/Meta"},
                "error": _object(
                    {},
                    {
                        "type": {**_TEXT, "description": "The error by name."},
                        "message": {**_TEXT, "description": "The same for people."},
                        "invalid": {
                            "type": "array",
                            "items": {"$ref": "#/components/schemas/Invalid"},
                        },
                    },
                ),
            },
            {},
        ),
        "description": "An answer of the eHealth contract that refuses.",
    },
    "Invalid": {
        **_object(
            {
                "entry_type": {**_TEXT, "description": "Such as `json_data_property`."},
                "rules": {
                    "type": "array",
                    "minItems": 1,
                    "items": _object(
                        {"rule": {"type": ["string", "null"]}},
                        {
                            "params": {"type": ["array", "object"]},
                            "description": {"type": ["string", "null"]},
                        },
                    ),
                },
            },
            {"entry": {**_TEXT, "description": "A JSON path, such as `$.client_id`."}},
        ),
        "description": "One offending field of a request.",
    },
    "OAuthRefusal": {
        **_object(
            {
                "error": {**_TEXT, "description": "The error by its registered name."},
                "error_description": {**_TEXT, "description": "The same for developers."},
            },
            {},
        ),
        "description": "An answer of the standards that refuses (RFC 6749 §5.2).",
    },
}


def answers(
    described: Described, components: Components, *, by_query: bool
) -> dict[str, Any]:
    """Every answer of an operation, by status."""
    operation, style = described.operation, _style(described)
    found: dict[int, dict[str, Any]] = {}
    for status in sorted(_refused(described, by_query=by_query)):
        found[status] = _refusal(status, style)
    for gives in operation.gives:
        made = _success(gives, components)
        if gives.status in found:  # one status, and another kind of content
            made["content"] |= found[gives.status]["content"]
        found[gives.status] = made
    given = {gives.status for gives in operation.gives}
    prefix = "OAuth" if style == "oauth" else ""
    for status in found.keys() - given:
        name = f"{prefix}Refused{status}"
        components.responses[name] = found[status]
        found[status] = {"$ref": f"#/components/responses/{name}"}
    return {str(status): found[status] for status in sorted(found)}


def _style(described: Described) -> Style | None:
    return next((layer.style for layer in described.layers if layer.style), None)


def _refused(described: Described, *, by_query: bool) -> set[int]:
    operation = described.operation
    found = set(operation.refuses)
    for layer in described.layers:
        found |= set(layer.refuses)
    takes = operation.takes
    if takes is not None:
        found |= {400, 408, 413}
        if takes.media == "application/json":
            found |= {415, 422}
    if by_query and _style(described) == "envelope":
        found.add(422)
    return found


def _refusal(status: int, style: Style | None) -> dict[str, Any]:
    name = "OAuthRefusal" if style == "oauth" else "Refusal"
    schema = {"$ref": f"#/components/schemas/{name}"}
    found: dict[str, Any] = {
        "description": _MEANS[status],
        "content": {"application/json": {"schema": schema}},
    }
    if status in _RETRIED:
        found["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    elif status == 401 and style == "oauth":
        found["headers"] = {"WWW-Authenticate": {"schema": dict(_TEXT)}}
    return found


def _success(gives: Gives, components: Components) -> dict[str, Any]:
    found: dict[str, Any] = {"description": gives.says or _says(gives.status)}
    if gives.headers:
        found["headers"] = {name: {"schema": dict(_TEXT)} for name in gives.headers}
    if gives.data is None:
        return found
    data = components.named(gives.data)
    if gives.many:
        data = {"type": "array", "items": data}
    if gives.enveloped:
        data = _envelope(data, gives, components)
    found["content"] = {gives.media: {"schema": data}}
    return found


def _says(status: int) -> str:
    return {201: "It is made.", 204: "It is done.", 303: "The browser goes on."}.get(
        status, "Here it is."
    )


def _envelope(data: dict[str, Any], gives: Gives, components: Components) -> dict[str, Any]:
    required: dict[str, Any] = {"meta": {"$ref": "#/components/schemas/Meta"}, "data": data}
    if gives.paging:
        required["paging"] = {"$ref": "#/components/schemas/Paging"}
    if gives.urgent is not None:
        required["urgent"] = components.named(gives.urgent)
    return _object(required, {})
