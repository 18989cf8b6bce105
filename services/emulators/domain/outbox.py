"""What was sent to people: the latest messages, bounded."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An SMS or a mail that went out."""

    kind: Literal["sms", "mail"]
    to: str
    body: str
    subject: str | None = None
    at: datetime


class Outbox:
    """Keeps the latest `most` messages; the oldest go first."""

    def __init__(self, most: int) -> None:
        self._messages: deque[Message] = deque(maxlen=most)

    def add(self, message: Message) -> None:
        """Take one more."""
        self._messages.appendleft(message)

    def clear(self) -> None:
        """Forget all."""
        self._messages.clear()

    def newest_first(self) -> Sequence[Message]:
        """All that are kept."""
        return tuple(self._messages)
