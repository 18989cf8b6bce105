"""What the handlers of auth-web need."""

from dataclasses import dataclass

from services.auth_web.domain.captcha import Captcha
from services.auth_web.metrics import Metrics
from services.auth_web.settings import Settings
from shared.peers.sign_in import SignInApi
from shared.runtime.clock import Clock
from shared.runtime.page_sessions import Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Made once, by `app.py`."""

    settings: Settings
    clock: Clock
    sessions: Sessions
    api: SignInApi
    metrics: Metrics
    captcha: Captcha | None  # of the forms that take a password
