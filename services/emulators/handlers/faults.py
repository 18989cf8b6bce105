"""GET /faults, PUT /faults/{name}: make an emulated system fail or slow, and well again."""

import asyncio
from typing import Annotated

from aiohttp import web
from pydantic import Field

from services.emulators.domain.faults import Fault
from services.emulators.handlers.keys import DEPS
from shared.runtime.bodies import read_object
from shared.runtime.http import Handler
from shared.wire.casting import Body, cast
from shared.wire.envelope import Answer, Problem, not_found


class _Fault(Body):
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    delay: Annotated[float, Field(ge=0, le=120, strict=False)] = 0.0


async def get_faults(request: web.Request) -> Answer:
    """The fault of each emulated system."""
    faults = request.app[DEPS].faults
    return Answer(data={name: fault.rendered() for name, fault in faults.items()})


async def put_fault(request: web.Request) -> Answer:
    """Set the fault of one; `{}` makes it well."""
    faults, name = request.app[DEPS].faults, request.match_info["name"]
    if name not in faults:
        raise not_found()
    asked = cast(_Fault, await read_object(request))
    faults[name] = Fault(status=asked.status, delay=asked.delay)
    return Answer(data=faults[name].rendered())


def failing(name: str, handler: Handler) -> Handler:
    """The handler of an emulated system, with its fault, if any, before it."""

    async def guarded(request: web.Request) -> Answer | web.StreamResponse:
        fault = request.app[DEPS].faults[name]
        await asyncio.sleep(fault.delay)
        if fault.status is not None:
            raise Problem(fault.status, "emulated_fault", "This fault was asked for.")
        return await handler(request)

    guarded.__name__ = getattr(handler, "__name__", "handler")
    return guarded
