"""Typed keys under which the application keeps what handlers need."""

from aiohttp import web

from services.abac_api.actions.decide import Answered, Asked
from services.abac_api.deps import Deps
from services.abac_api.metrics import Metrics
from shared.runtime.coalesce import Coalescer

DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)
DECISIONS: web.AppKey[Coalescer[Asked, Answered]] = web.AppKey("decisions", Coalescer)
