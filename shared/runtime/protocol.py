"""What HTTP itself refuses is answered in the envelope too, and never written to the log.

A request that does not parse may hold a credential anywhere in it, so nothing of it is
repeated: neither to the caller nor to the log.
"""

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_server import Server

from shared.runtime import http, logging
from shared.runtime.entropy import Entropy, SystemEntropy
from shared.wire import envelope
from shared.wire.envelope import Meta, Problem

_log = logging.get("http")
_entropy: Entropy = SystemEntropy()


class _Handler(RequestHandler):
    """aiohttp's protocol, with its own errors in our words."""

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        del message  # it quotes the request
        if request.writer.output_size > 0:
            raise ConnectionError(
                "an answer is under way, so there is no place for another"
            )
        request_id = str(_entropy.uuid())
        _log.warning(
            "request does not parse",
            request_id=request_id,
            status=status,
            error=type(exc).__name__,
        )
        text = envelope.MALFORMED_TEXT if status < 500 else None
        problem = Problem(status, "request_malformed" if status < 500 else None, text)
        meta = Meta(url="", request_id=request_id)
        response = web.Response(
            body=envelope.failure(meta, problem),
            status=status,
            headers={
                "Content-Type": envelope.JSON,
                "X-Request-ID": request_id,
                "Server": http.SERVER,
            },
        )
        response.force_close()
        return response


class _Server(Server):
    """Makes handlers of ours."""

    def __call__(self) -> RequestHandler:
        return _Handler(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application behind handlers of ours."""

    async def _make_server(self) -> Server:
        made = await super()._make_server()
        return _Server(
            made.request_handler,
            request_factory=made.request_factory,
            loop=made._loop,  # noqa: SLF001 — aiohttp has no seam for the handler's class
            **made._kwargs,  # noqa: SLF001
        )
