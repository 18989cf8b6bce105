"""Only the platform may call."""

from services.scheduler.handlers.keys import DEPS
from shared.runtime.http import Handler
from shared.runtime.platform import platform_only


def internal(handler: Handler) -> Handler:
    """Refuse everyone else."""
    return platform_only(handler, lambda request: request.app[DEPS].settings)
