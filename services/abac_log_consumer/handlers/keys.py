"""Typed keys under which the application keeps what handlers need."""

from aiohttp import web

from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.handlers.room import Exports
from shared.peers.mithril import MithrilApi

DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
MITHRIL: web.AppKey[MithrilApi] = web.AppKey("mithril", MithrilApi)
EXPORTS: web.AppKey[Exports] = web.AppKey("exports", Exports)
