"""What schemathesis makes of the document, sent to both listeners over a real database.

Each operation gets what fits its schemas and what does not, the same in every run. Longer:
`MITHRIL_TEST_FUZZ=2000 .venv/bin/python -m pytest tests/integration/mithril_api/test_fuzzing.py`.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.mithril_api.handlers.document import document_of
from shared.models.tokens import TokenName
from shared.runtime.protocol import Runner
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api

EXAMPLES = int(os.environ.get("MITHRIL_TEST_FUZZ", "3"))
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
_CALLER = ("app:authorize", "user:read", "app:read", "app:write", "app:delete")


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Sends a case with the credentials that its operation asks for."""

    base_url: str
    known: dict[str, str]  # ids of things that are there, by the name of the parameter
    headers: dict[str, dict[str, str]]  # by security scheme
    session: requests.Session

    def send(self, case: schemathesis.Case[Any], mode: GenerationMode) -> None:
        declared = case.operation.definition.raw.get("security", [])
        schemes = [name for item in declared for name in item]
        headers = next((self.headers[name] for name in schemes if name in self.headers), {})
        # What schemathesis made wrong on purpose stays wrong.
        made = {name.lower() for name in case.headers}
        headers = {name: item for name, item in headers.items() if name.lower() not in made}
        if mode is GenerationMode.POSITIVE and case.method != "DELETE":
            for name in case.path_parameters.keys() & self.known.keys():
                case.path_parameters[name] = self.known[name]
        response = case.call(
            base_url=self.base_url,
            session=self.session,
            headers=headers,
            allow_redirects=False,
        )
        case.validate_response(response, checks=_CHECKS)


def _operations(document: dict[str, Any]) -> Iterator[Any]:
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok)
        yield found.ok()


def _fuzz(document: dict[str, Any], sender: Sender) -> list[str]:
    complaints = []
    for operation in _operations(document):
        for mode in GenerationMode:
            try:
                _send_all(operation, mode, sender)
            except Unsatisfiable:  # there is nothing that could be wrong
                continue
            except Exception as error:  # noqa: BLE001 — all of them are told at once
                said = "\n".join(map(str, getattr(error, "exceptions", [error])))
                complaints.append(f"{operation.label} ({mode.value}): {said}")
    return complaints


def _send_all(operation: Any, mode: GenerationMode, sender: Sender) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES < 100,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case[Any]) -> None:
        sender.send(case, mode)

    send()


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    """The application as `serve` runs it, whose words for what is no HTTP are ours."""
    runner = Runner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _caller(api: Api) -> tuple[World, str]:
    world = await a_world(api.deps, scope=_CALLER)
    token = a_token(
        api.deps, TokenName.ACCESS, world.user_id, world.client_id, scope=_CALLER
    )
    await store(api.deps, token)
    return world, token.value


@pytest.mark.parametrize("listener", ["public", "internal"])
async def test_schemathesis_finds_nothing(api: Api, listener: str) -> None:
    caller, token = await _caller(api)
    other = await a_world(api.deps)
    basic = base64.b64encode(f"{caller.client_id}:{caller.client_secret}".encode()).decode()
    bearer = {"Authorization": f"Bearer {token}"}
    app = getattr(api.built, listener)
    with requests.Session() as session:
        async with _served(app) as url:
            sender = Sender(
                base_url=url,
                known={
                    "user_id": str(other.user_id),
                    "client_id": str(other.client_id),
                    "id": str(other.client_id),
                },
                headers={
                    "serviceToken": {
                        "Authorization": f"Bearer {SERVICE_TOKEN}",
                        "x-consumer-id": str(other.user_id),
                    },
                    "accessToken": bearer,
                    "stepToken": bearer,
                    "clientBasic": {"Authorization": f"Basic {basic}"},
                },
                session=session,
            )
            complaints = await asyncio.to_thread(
                _fuzz, document_of({listener: app}), sender
            )
    assert not complaints, "\n\n".join(complaints)
