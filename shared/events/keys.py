"""Facts about the keys that sign tokens: topic `mithril.accounts`. None carries a key."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from shared.events.accounts import TOPIC
from shared.events.envelope import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeyEvent(Event):
    topic: ClassVar[str] = TOPIC

    kid: str  # RFC 7638
    alg: str

    def key(self) -> str:
        return self.kid


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyMade(_KeyEvent):
    """A key was made and is published; it signs from `activates_at` on."""

    type: ClassVar[str] = "mithril.signing-key.made.v1"

    activates_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRetired(_KeyEvent):
    """A key signs until `retires_at`, and is published until `expires_at`."""

    type: ClassVar[str] = "mithril.signing-key.retired.v1"

    retires_at: datetime
    expires_at: datetime
    reason: Literal["rotated", "compromised"]
