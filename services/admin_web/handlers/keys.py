"""Typed keys under which the application keeps what handlers need."""

from dataclasses import dataclass

from aiohttp import web

from services.admin_web.settings import Settings
from services.admin_web.texts import Texts
from shared.peers.mithril import MithrilApi, VerifiedToken
from shared.peers.neighbour import Neighbour
from shared.runtime.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Every listener that the console asks."""

    mithril: Neighbour
    scheduler: Neighbour
    audit: Neighbour
    audit_internal: Neighbour
    abac: Neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Whoever is signed in. The bearer goes to neighbours, and nowhere else."""

    token: VerifiedToken
    bearer: str

    def may(self, scope: str) -> bool:
        """Whether the access token has a scope."""
        return scope in self.token.scope

    def __repr__(self) -> str:
        return f"Viewer({self.token.user_id})"


SETTINGS: web.AppKey[Settings] = web.AppKey("settings", Settings)
CLOCK: web.AppKey[Clock] = web.AppKey("clock", Clock)
TEXTS: web.AppKey[Texts] = web.AppKey("texts", Texts)
MITHRIL: web.AppKey[MithrilApi] = web.AppKey("mithril", MithrilApi)
NEIGHBOURS: web.AppKey[Neighbours] = web.AppKey("neighbours", Neighbours)

VIEWER: web.RequestKey[Viewer] = web.RequestKey("viewer", Viewer)
