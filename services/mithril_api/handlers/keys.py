"""Typed keys under which the application keeps what handlers need."""

from aiohttp import web

from services.mithril_api.actions.oauth2 import authenticate_client
from services.mithril_api.actions.oauth2.authenticate_client import ClientAsked
from services.mithril_api.actions.refresh_batch import Outcome, RefreshAsked
from services.mithril_api.actions.verify_tokens import VerifyAsked
from services.mithril_api.deps import Deps
from services.mithril_api.domain.verification import Verdict
from services.mithril_api.metrics import Metrics
from shared.runtime.coalesce import Coalescer

DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)
REFRESHES: web.AppKey[Coalescer[RefreshAsked, Outcome]] = web.AppKey("refreshes", Coalescer)
VERIFIES: web.AppKey[Coalescer[VerifyAsked, Verdict]] = web.AppKey("verifies", Coalescer)
CLIENTS: web.AppKey[Coalescer[ClientAsked, authenticate_client.Outcome]] = web.AppKey(
    "clients", Coalescer
)
