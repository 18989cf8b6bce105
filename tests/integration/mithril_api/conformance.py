"""Every answer that a test sees is held against the OpenAPI document."""

from functools import cache
from typing import Any

import jsonschema_rs
import orjson
from aiohttp import web

from services.mithril_api.app import Built
from services.mithril_api.handlers.document import document_of

_KNOWN: dict[
    str, dict[str, Any]
] = {}  # the document, of the settings under which most is served


def closed(schema: Any) -> Any:
    """A schema that takes no more than it names: what an answer has must be documented."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(item) for name, item in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        made.setdefault("additionalProperties", False)
    return made


class Conformance:
    """What the answers of an application were, where the document says otherwise."""

    def __init__(self, built: Built) -> None:
        listeners = {"public": built.public, "internal": built.internal}
        served = {
            route.resource.canonical
            for app in listeners.values()
            for route in app.router.routes()
            if route.resource is not None
        }
        if not served <= set(_KNOWN.get("paths", ())):
            _KNOWN.update(closed(document_of(listeners)))
        self.complaints: list[str] = []
        for app in (built.public, built.internal):
            app.on_response_prepare.append(self._look)

    async def _look(self, request: web.Request, response: web.StreamResponse) -> None:
        resource = request.match_info.route.resource
        if resource is None or not isinstance(response, web.Response):
            return
        complaint = self._complaint(request.method, resource.canonical, response)
        if complaint is not None:
            self.complaints.append(f"{request.method} {resource.canonical}: {complaint}")

    def _complaint(self, method: str, path: str, response: web.Response) -> str | None:
        method = "get" if method == "HEAD" else method.lower()
        operation = _KNOWN["paths"][path].get(method)
        if operation is None or response.status == 500:
            return None  # nobody promised anything
        found = _responded(operation, response.status)
        if not found:
            return f"status {response.status} is not documented: {_text(response)}"
        if response.body is None or response.body == b"":
            return None if "content" not in found else f"{response.status} has no body"
        content = found.get("content", {}).get(response.content_type)
        if content is None:
            return f"{response.status} is not documented as {response.content_type}"
        if response.content_type != "application/json":
            return None
        validator = _validator(path, method, response.status)
        for error in validator.iter_errors(orjson.loads(_bytes(response))):
            return f"{response.status}: {error.instance_path} {error.message}"
        return None


@cache
def _validator(path: str, method: str, status: int) -> jsonschema_rs.Draft202012Validator:
    found = _responded(_KNOWN["paths"][path][method], status)
    schema = found["content"]["application/json"]["schema"]
    components = {"components": _KNOWN["components"]}
    return jsonschema_rs.Draft202012Validator(
        {**schema, **components}, validate_formats=True
    )


def _responded(operation: dict[str, Any], status: int) -> dict[str, Any]:
    found: dict[str, Any] = operation["responses"].get(str(status), {})
    if "$ref" in found:
        found = _KNOWN["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return found


def _bytes(response: web.Response) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body


def _text(response: web.Response) -> str:
    return _bytes(response).decode()[:300] if response.body else ""
