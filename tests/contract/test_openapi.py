"""The OpenAPI document: of every route, and of nothing else."""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import jsonschema_rs
import openapi_spec_validator
import pytest
from aiohttp import web
from pydantic import BaseModel

from services.mithril_api.app import build, describe
from services.mithril_api.handlers.document import document_of
from shared.runtime.http import as_aiohttp
from shared.wire.envelope import Answer
from shared.wire.openapi import DocumentError
from shared.wire.openapi_schemas import Components, body_schema
from shared.wire.operations import Gives, Takes, UndeclaredError, operation
from tests.integration.mithril_api.conftest import settings_for

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe()


def test_it_is_openapi_as_the_standard_has_it(document: dict[str, Any]) -> None:
    openapi_spec_validator.validate(document)


async def test_it_has_each_route_that_is_served_and_no_other(
    document: dict[str, Any],
) -> None:
    built = build(settings_for(NOWHERE))
    served = {
        (name, route.method.lower(), route.resource.canonical)
        for name, app in (("public", built.public), ("internal", built.internal))
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    documented = {
        (listener, method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for listener in operation["x-listeners"]
    }
    assert documented == served
    built.deps.passwords.close()


def test_a_route_that_declares_nothing_is_an_error() -> None:
    async def undeclared(_: web.Request) -> Answer:
        return Answer(data={})

    app = web.Application()
    app.router.add_get("/undeclared", undeclared)  # type: ignore[arg-type]  # not served
    with pytest.raises(UndeclaredError, match="undeclared"):
        document_of({"public": app})


def test_a_route_that_belongs_nowhere_is_an_error() -> None:
    @operation(Gives(status=204))
    async def lost(_: web.Request) -> Answer:
        return Answer(data={})

    app = web.Application()
    app.router.add_get("/lost", as_aiohttp(lost))
    with pytest.raises(DocumentError, match="no tag for /lost"):
        document_of({"public": app})


class _One(BaseModel):
    class Kind(StrEnum):
        """What it may be here."""

        A = "a"

    kind: Kind


class _Other(BaseModel):
    class Kind(StrEnum):
        """What it may be there."""

        B = "b"

    kind: Kind


def test_two_schemas_of_one_name_are_an_error() -> None:
    components = Components({})
    body_schema(Takes(models=(_One,)), components)
    with pytest.raises(ValueError, match="two schemas are called Kind"):
        body_schema(Takes(models=(_Other,)), components)


def test_every_operation_says_what_it_does_and_has_a_name_of_its_own(
    document: dict[str, Any],
) -> None:
    operations = [
        operation for item in document["paths"].values() for operation in item.values()
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert [item["operationId"] for item in operations if not item["summary"]] == []


def test_its_examples_fit_its_schemas(document: dict[str, Any]) -> None:
    shown = list(_examples(document))
    assert len(shown) >= 5
    for schema, value in shown:
        whole = {**schema, "components": document["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(value)


async def test_a_listener_tells_of_no_more_than_it_is_for() -> None:
    built = build(settings_for(NOWHERE))
    public = document_of({"public": built.public})
    internal = document_of({"internal": built.internal, "public": built.public})
    assert not [path for path in public["paths"] if path.startswith("/admin")]
    assert "/admin/clients" in internal["paths"]
    assert internal["servers"] == [{"url": "/", "description": "where this document is"}]
    assert json.dumps(public).count("serviceToken") < json.dumps(internal).count(
        "serviceToken"
    )
    built.deps.passwords.close()


async def test_the_page_is_not_there_where_it_is_off() -> None:
    built = build(settings_for(NOWHERE, api_page="off"))
    paths = {resource.canonical for resource in built.public.router.resources()}
    assert "/openapi.json" in paths
    assert not paths & {"/docs", "/static/{name}"}
    built.deps.passwords.close()


def _examples(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    for item in document["paths"].values():
        for told in item.values():
            for content in told.get("requestBody", {}).get("content", {}).values():
                for example in content.get("examples", {}).values():
                    yield content["schema"], example["value"]
