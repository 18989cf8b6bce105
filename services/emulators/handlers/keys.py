"""Typed keys under which the application keeps what handlers need."""

from aiohttp import web

from services.emulators.deps import Deps

DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
