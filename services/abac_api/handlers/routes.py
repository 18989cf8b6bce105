"""Every route of abac-api on one page."""

from aiohttp import web


def add_public(app: web.Application) -> None:
    """What the platform's gateways call: decisions."""


def add_internal(app: web.Application) -> None:
    """What only the platform may call: facts."""
