"""Every route of the emulators on one page."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from services.emulators.handlers import (
    breaches,
    client,
    outbox,
    pages,
    persons,
    recaptcha,
    signatures,
    sms,
)
from services.emulators.handlers.faults import failing, get_faults, put_fault
from services.emulators.handlers.keys import DEPS
from shared.runtime.http import Handler, as_aiohttp
from shared.runtime.platform import platform_only


def add_public(app: web.Application) -> None:
    """The emulated systems, what they took, and the sample client."""
    router = app.router
    router.add_post("/sms-gateway/sms/send", _system("sms-gateway", sms.post_sms))
    router.add_post(
        "/signatures/digital_signatures",
        _system("signatures", signatures.post_digital_signatures),
    )
    router.add_get("/mpi/persons/{id}", _system("mpi", persons.get_person))
    router.add_put("/mpi/persons/{id}", as_aiohttp(persons.put_person))
    router.add_post("/recaptcha", _system("recaptcha", recaptcha.post_recaptcha))
    router.add_get("/recaptcha/api.js", recaptcha.get_script)
    router.add_get(
        "/breach-list/range/{prefix}", _system("breach-list", breaches.get_range)
    )
    router.add_get("/faults", as_aiohttp(get_faults))
    router.add_put("/faults/{name}", as_aiohttp(put_fault))
    router.add_get("/outbox", outbox.get_outbox)
    router.add_get("/outbox.json", outbox.get_outbox_json)
    router.add_delete("/outbox.json", outbox.delete_outbox)
    router.add_get("/client", client.get_client)
    router.add_get("/client/callback", client.get_callback)
    router.add_post("/client/exchange", client.post_exchange)
    router.add_get("/style.css", pages.get_style)


def add_internal(app: web.Application) -> None:
    """What only the platform may call."""
    guarded = platform_only(client.put_client, lambda request: request.app[DEPS].settings)
    app.router.add_put("/client", as_aiohttp(guarded))


def _system(
    name: str, handler: Handler
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    return as_aiohttp(failing(name, handler))
