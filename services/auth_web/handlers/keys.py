"""What handlers find in the application."""

from aiohttp import web

from services.auth_web.deps import Deps

DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
