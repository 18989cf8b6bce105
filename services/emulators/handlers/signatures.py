"""POST /signatures/digital_signatures: opens content that nobody really signed."""

from typing import Literal, assert_never

from aiohttp import web

from services.emulators.domain.signing import NotBase64, NotSigned, Opened, opened
from services.emulators.handlers.keys import DEPS
from shared.runtime.bodies import read_object
from shared.wire.casting import Body, cast
from shared.wire.envelope import Answer, Invalid, unprocessable, validation_failed

_NOT_BASE64 = Invalid(
    entry="$.signed_content",
    rule="invalid",
    description="Not a base64 string",
)


class _Signed(Body):
    signed_content: str
    signed_content_encoding: Literal["base64"]


async def post_digital_signatures(request: web.Request) -> Answer:
    """What was signed and by whom; 422 where it cannot be told."""
    signed = cast(_Signed, await read_object(request))
    drfo = request.app[DEPS].settings.signer_drfo
    match opened(signed.signed_content, default_drfo=drfo):
        case Opened(content=content, signatures=signatures):
            return Answer(data={"content": content, "signatures": signatures})
        case NotBase64():
            raise validation_failed([_NOT_BASE64])
        case NotSigned():
            raise unprocessable("Malformed encoded content. Probably, it is not signed.")
        case verdict:
            assert_never(verdict)
