"""Back-channel logout: a client is told that its user's session has ended.

OpenID Connect Back-Channel Logout 1.0.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NewType
from uuid import UUID

from services.mithril_api.domain.attempts import Backoff
from shared.models.ids import ClientId, UserId
from shared.wire.addresses import is_sound

LogoutId = NewType("LogoutId", UUID)

TYP = "logout+jwt"
LIVES = timedelta(minutes=2)  # §2.4
BACKOFF = Backoff(
    first=timedelta(seconds=10), longest=timedelta(hours=1), give_up=timedelta(hours=24)
)
_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LONGEST = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a client knows of a session that is over: by whom it was told, and as what."""

    client_id: ClientId
    sid: str
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedLogout:
    """A logout token that its client has not taken yet."""

    id: LogoutId
    user_id: UserId
    ended: Ended
    attempts: int
    inserted_at: datetime


def claims_of(owed: OwedLogout, *, now: datetime) -> dict[str, Any]:
    """What a logout token says (§2.4). Sent again, it is the same one: its `jti` stays."""
    return {
        "iss": owed.ended.issuer,
        "sub": str(owed.user_id),
        "aud": str(owed.ended.client_id),
        "iat": int(now.timestamp()),
        "exp": int((now + LIVES).timestamp()),
        "jti": str(owed.id),
        "sid": owed.ended.sid,
        "events": {_EVENT: {}},
    }


def is_fit(uri: object) -> bool:
    """Whether logout tokens may be sent there."""
    return isinstance(uri, str) and len(uri) <= _LONGEST and is_sound(uri)
