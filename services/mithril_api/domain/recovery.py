"""Links to set a new password: their values, and whether one may still be used."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from services.mithril_api.domain.values import base62
from shared.models.ids import ClientId, UserId

_LENGTH = 32
_BYTES = 23  # 184 bits, which 32 letters and digits hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A link at rest. Its value is not here: nobody but the mail's reader has it."""

    id: UUID
    user_id: UserId
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Where the user was on the way to when the password was missing."""

    client_id: ClientId
    redirect_uri: str


def value_of(mac: bytes) -> str:
    """The value in the link, from a keyed digest of its id: the database alone cannot say it."""
    return base62(int.from_bytes(mac[:_BYTES]), _LENGTH)


def link_of(base: str, value: str, goal: Return | None) -> str:
    """The address of the page that takes the new password."""
    link = f"{base.rstrip('/')}/reset/{value}"
    if goal is None:
        return link
    query = {"client_id": str(goal.client_id), "redirect_uri": goal.redirect_uri}
    return f"{link}?{urlencode(query)}"


def usable(recovery: Recovery | None, *, now: datetime) -> Recovery | None:
    """The link, if there is one and it still works; it ends on the dot."""
    if recovery is None or recovery.expires_at <= now:
        return None
    return recovery
