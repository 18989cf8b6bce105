"""What a Kafka record says, as the audit log keeps it; or why it cannot be understood.

Identifiers stay text in their canonical form: they go to the database and into the chain as
such, and a batch has tens of thousands of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

import orjson

from shared.events.abac import DecisionMade
from shared.events.accounts import ClientCreated, ClientUpdated

DECISIONS = DecisionMade.topic
TOPICS = (DECISIONS, "mithril.tokens", "mithril.accounts")

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NAMING = (ClientCreated.type, ClientUpdated.type)

# CloudEvents attributes in Kafka's binary mode that are of use here, by their headers.
_ATTRIBUTES = {
    f"ce_{name}": name
    for name in ("id", "source", "type", "time", "sequence", "traceparent")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A record as Kafka gave it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(slots=True, kw_only=True)
class Decision:
    """A decision, with the place it came from. Its fields are columns of `decisions`."""

    event_id: str
    decided_at: datetime
    decision_id: str
    user_id: str
    client_id: str
    client_type: str | None
    mis_client_id: str | None
    person_id: str | None
    patient_id: str | None
    resource_type: str
    resource_id: str | None
    action: str
    contexts: list[dict[str, str]]
    result: bool
    rules: list[str]
    reason: str | None
    policy_version: str
    request_id: str
    trace_id: str | None
    source: str
    source_sequence: int
    topic: str
    partition: int
    offset: int


@dataclass(slots=True, kw_only=True)
class TokenEvent:
    """An event about tokens or accounts. Its fields are columns of `token_events`."""

    event_id: str
    at: datetime
    type: str
    user_id: str | None
    client_id: str | None
    data: dict[str, Any]
    trace_id: str | None
    source: str
    source_sequence: int
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that is kept as it came. The number of its source still counts as seen."""

    delivered: Delivered
    why: str
    source: str | None = None
    source_sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientName:
    """What a client is called since `at`."""

    client_id: str
    name: str
    client_type: str
    at: datetime


Entry: TypeAlias = Decision | TokenEvent
Read: TypeAlias = Entry | Unreadable


class _Malformed(Exception):  # noqa: N818 — the reason, not an error of ours
    """Why a record cannot be understood."""


def read(delivered: Delivered) -> Read:
    """Understand a record; never raises."""
    attributes = _attributes(delivered.headers)
    source, sequence = attributes.get("source"), _sequence(attributes.get("sequence"))
    try:
        return _entry(delivered, attributes)
    except _Malformed as reason:
        why = str(reason)
    except KeyError as missing:
        why = f"no_{missing.args[0]}"
    except (ValueError, TypeError, AttributeError, OverflowError):
        why = "malformed"
    known = source is not None and sequence is not None and "\0" not in source
    return Unreadable(
        delivered=delivered,
        why=why,
        source=source if known else None,
        source_sequence=sequence if known else None,
    )


def name_of(event: TokenEvent) -> ClientName | None:
    """What an event tells of a client's name, if anything."""
    if event.type not in _NAMING or event.client_id is None:
        return None
    name, client_type = event.data.get("name"), event.data.get("client_type")
    if not isinstance(name, str) or not isinstance(client_type, str):
        return None
    return ClientName(
        client_id=event.client_id, name=name, client_type=client_type, at=event.at
    )


def _entry(delivered: Delivered, attributes: Mapping[str, str]) -> Entry:
    if delivered.value is None:
        raise _Malformed("empty")
    if b"\\u0000" in delivered.value:
        raise _Malformed("nul_character")  # which PostgreSQL keeps in no text
    data = orjson.loads(delivered.value)
    if not isinstance(data, dict):
        raise _Malformed("malformed")
    sequence = _sequence(attributes["sequence"])
    if sequence is None:
        raise _Malformed("no_sequence")
    if "\0" in "".join(attributes.values()):
        raise _Malformed("nul_character")
    if delivered.topic == DECISIONS:
        return _decision(delivered, attributes, sequence, data)
    return _token_event(delivered, attributes, sequence, data)


def _decision(
    delivered: Delivered,
    attributes: Mapping[str, str],
    sequence: int,
    data: Mapping[str, Any],
) -> Decision:
    if attributes["type"] != DecisionMade.type:
        raise _Malformed("unknown_type")
    consumer, resource = data["consumer"], data["resource"]
    return Decision(
        event_id=_id(attributes["id"]),
        decided_at=_moment(data["decided_at"]),
        decision_id=_id(data["decision_id"]),
        user_id=_id(consumer["user_id"]),
        client_id=_id(consumer["client_id"]),
        client_type=_text_or_none(consumer.get("client_type")),
        mis_client_id=_id_or_none(consumer.get("mis_client_id")),
        person_id=_id_or_none(consumer.get("person_id")),
        patient_id=_id_or_none(data.get("patient_id")),
        resource_type=_text(resource["type"]),
        resource_id=_id_or_none(resource.get("id")),
        action=_text(resource["action"]),
        contexts=[
            {"id": _id(item["id"]), "type": _text(item["type"])}
            for item in data["contexts"]
        ],
        result=_truth(data["result"]),
        rules=[_text(item) for item in data["rules"]],
        reason=_text_or_none(data.get("reason")),
        policy_version=_text(data["policy_version"]),
        request_id=_text(data["request_id"]),
        trace_id=_trace(attributes),
        source=attributes["source"],
        source_sequence=sequence,
        topic=delivered.topic,
        partition=delivered.partition,
        offset=delivered.offset,
    )


def _token_event(
    delivered: Delivered,
    attributes: Mapping[str, str],
    sequence: int,
    data: dict[str, Any],
) -> TokenEvent:
    return TokenEvent(
        event_id=_id(attributes["id"]),
        at=_moment(attributes["time"]),
        type=attributes["type"],
        user_id=_id_or_none(data.get("user_id")),
        client_id=_id_or_none(data.get("client_id")),
        data=data,
        trace_id=_trace(attributes),
        source=attributes["source"],
        source_sequence=sequence,
        topic=delivered.topic,
        partition=delivered.partition,
        offset=delivered.offset,
    )


def _attributes(headers: tuple[tuple[str, bytes], ...]) -> dict[str, str]:
    """Those of `_ATTRIBUTES`, what is no UTF-8 left out."""
    found = {}
    for header, value in headers:
        name = _ATTRIBUTES.get(header)
        if name is not None and value is not None:
            try:
                found[name] = value.decode()
            except UnicodeDecodeError:
                continue
    return found


def _sequence(text: str | None) -> int | None:
    if text is None or len(text) > 18 or not (text.isascii() and text.isdigit()):
        return None
    return int(text) or None


def _trace(attributes: Mapping[str, str]) -> str | None:
    found = _TRACE.fullmatch(attributes.get("traceparent", ""))
    return found and found[1]


def _id(value: object) -> str:
    if not isinstance(value, str):
        raise _Malformed("malformed")
    return value if _UUID.fullmatch(value) else str(UUID(value))


def _id_or_none(value: object) -> str | None:
    return None if value is None else _id(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Malformed("malformed")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Malformed("malformed")
    return value


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise _Malformed("malformed")
    return moment.astimezone(UTC)
