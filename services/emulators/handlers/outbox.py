"""GET /outbox, GET|DELETE /outbox.json: the codes and mails that went out, newest first."""

from aiohttp import web

from services.emulators.domain.outbox import Message
from services.emulators.handlers.keys import DEPS
from services.emulators.handlers.pages import page


async def get_outbox(request: web.Request) -> web.Response:
    """For people: a page that renews itself."""
    deps = request.app[DEPS]
    messages = deps.outbox.newest_first()
    return page("outbox.html", messages=messages, most=deps.settings.outbox_most)


async def get_outbox_json(request: web.Request) -> web.Response:
    """For tests."""
    messages = request.app[DEPS].outbox.newest_first()
    return web.json_response([_rendered(message) for message in messages])


async def delete_outbox(request: web.Request) -> web.Response:
    """Forget all of it."""
    request.app[DEPS].outbox.clear()
    return web.Response(status=204)


def _rendered(message: Message) -> dict[str, str]:
    subject = {} if message.subject is None else {"subject": message.subject}
    return {
        "kind": message.kind,
        "to": message.to,
        **subject,
        "body": message.body,
        "at": message.at.isoformat(),
    }
