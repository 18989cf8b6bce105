"""Typed keys under which the application keeps what handlers need."""

from aiohttp import web

from services.gatekeeper.back_end import BackEnd
from services.gatekeeper.deps import Deps

DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
BACK_END: web.AppKey[BackEnd] = web.AppKey("back_end", BackEnd)
