"""What every event of ours is: a fact in the past tense, sent as CloudEvents 1.0 (decision D8).

An event class is a frozen dataclass whose fields are the JSON data; its `type` and `topic`
are class variables. Fields are added, never changed: a new meaning is a new `….v2` class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact. Never carries a secret, nor what would become a second copy of a record."""

    type: ClassVar[str]
    topic: ClassVar[str]

    def key(self) -> str:
        """The record key: events of one key keep their order."""
        raise NotImplementedError

    def payload(self) -> bytes:
        """The JSON data."""
        return orjson.dumps(self, default=str)  # the driver has a UUID class of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event with what the outbox adds to it."""

    id: UUID  # UUIDv7; the `ce_id`
    at: datetime
    event: Event
    traceparent: str | None = None


def headers(
    *,
    event_id: UUID,
    source: str,
    event_type: str,
    at: datetime,
    sequence: int,
    subject: str,
    traceparent: str | None,
    hop: str | None = None,
) -> list[tuple[str, bytes]]:
    """CloudEvents attributes in Kafka's binary content mode (CloudEvents Kafka binding §3.2).

    `ce_traceparent` is where the event comes from; `traceparent`, the span that sent this
    record, where there is one (`hop`).
    """
    made = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event_id).encode()),
        ("ce_source", source.encode()),
        ("ce_type", event_type.encode()),
        ("ce_time", at.isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", subject.encode()),
        ("ce_sequence", str(sequence).encode()),
        ("content-type", b"application/json"),
    ]
    if traceparent is not None:
        made.append(("ce_traceparent", traceparent.encode()))
        made.append(("traceparent", (hop or traceparent).encode()))
    return made


def read_headers(headers_of_record: Mapping[str, bytes]) -> dict[str, Any]:
    """The attributes of a record in binary mode, without their prefix."""
    return {
        name.removeprefix("ce_"): value.decode()
        for name, value in headers_of_record.items()
        if name.startswith("ce_")
    }
