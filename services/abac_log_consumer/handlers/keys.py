"""Typed keys under which the application keeps what handlers need."""

from aiohttp import web

from services.abac_log_consumer.deps import Deps

DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
