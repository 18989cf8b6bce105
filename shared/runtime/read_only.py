"""A service that only reads for a while: two systems run side by side, and the other one writes.

What would change something is refused before its handler is asked. The database refuses it
once more (`connect(read_only=True)`): a route that is missing from the exceptions does no harm.
"""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from shared.wire.envelope import Problem

TEXT = "The service is read-only while it is being moved. Try again later"
RETRY_AFTER = {"Retry-After": "30"}

_READING = frozenset({"GET", "HEAD", "OPTIONS"})

Refusal = Callable[[web.Request], web.StreamResponse]


def refuse_changes(
    app: web.Application,
    *,
    reads: frozenset[tuple[str, str]] = frozenset(),
    changes: frozenset[tuple[str, str]] = frozenset(),
    refusals: Mapping[str, Refusal] | None = None,
) -> None:
    """Have an application answer 503 to whatever would change something.

    A route changes something unless its method is one of those that read; `reads` and `changes`
    are the exceptions, by method and path. `refusals` answer for paths with a beginning.
    """

    @web.middleware
    async def middleware(
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        resource = request.match_info.route.resource
        if resource is None or _only_reads(request.method, resource.canonical):
            return await handler(request)
        for beginning, refusal in (refusals or {}).items():
            if resource.canonical.startswith(beginning):
                return refusal(request)
        raise Problem(503, "read_only", TEXT, headers=RETRY_AFTER)

    def _only_reads(method: str, path: str) -> bool:
        asked = ("GET" if method == "HEAD" else method, path)
        return asked in reads or (method in _READING and asked not in changes)

    app.middlewares.append(middleware)
