"""One server for a module of conditions: as deployed, behind an ingress that ends TLS."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest_asyncio

from services.mithril_api.settings import Settings
from tests.builders import give_keys
from tests.conformance.suite import Suite
from tests.fakes import SteppingClock
from tests.integration.conftest import mithril_template
from tests.neighbours.databases import clone, drop
from tests.signing_in import started

__all__ = ["mithril_template"]  # a fixture that ours asks for

CERTIFICATE, VERIFIED = "X-Client-Cert", "X-Client-Verify"
_UNLIMITED = {name: "off" for name in Settings.model_fields if name.endswith("_address")}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def suite(
    postgres_url: str,
    mithril_template: str,
    database_name: Callable[[str], str],
) -> AsyncIterator[Suite]:
    """The server, its sign-in pages, and one user."""
    name = database_name("mithril")
    url = await clone(postgres_url, mithril_template, name)
    settings = {
        "issuer": None,
        "client_certificate_header": CERTIFICATE,
        "client_certificate_verified_header": VERIFIED,
        "trusted_ingresses": ("127.0.0.0/8",),
        **_UNLIMITED,
    }
    async with (
        started(url, SteppingClock(), api_settings=settings) as running,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        await give_keys(running.api.deps)
        internal = str(running.api_servers[1].make_url("")).rstrip("/")
        yield Suite(running=running, http=http, internal=internal)
    await drop(postgres_url, name)
