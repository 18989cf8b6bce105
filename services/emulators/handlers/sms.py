"""POST /sms-gateway/sms/send: the SMS gateway. What is sent goes to the outbox."""

from aiohttp import web

from services.emulators.domain.outbox import Message
from services.emulators.handlers.keys import DEPS
from shared.runtime.bodies import read_object
from shared.wire.casting import Body, LongText, Text, cast
from shared.wire.envelope import Answer


class _Sms(Body):
    phone_number: Text
    body: LongText
    type: Text


async def post_sms(request: web.Request) -> Answer:
    """Take one message."""
    deps = request.app[DEPS]
    sms = cast(_Sms, await read_object(request))
    deps.outbox.add(
        Message(kind="sms", to=sms.phone_number, body=sms.body, at=deps.clock.now())
    )
    return Answer(data={"status": "Accepted", "type": sms.type})
