"""Records of topic `abac.facts` (CloudEvents, binary mode) as facts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from services.abac_api.domain.records import Reason, Unfit
from services.abac_api.domain.told import Kind, Told, is_from_the_future
from services.abac_api.fact_bodies import fact_of, moment
from shared.events.abac import FactUpserted, FactWithdrawn
from shared.events.envelope import read_headers
from shared.wire.casting import parse_uuid
from shared.wire.envelope import Invalid, Problem

_TYPES = frozenset({FactUpserted.type, FactWithdrawn.type})


class Record(Protocol):
    """What we read of a Kafka record."""

    headers: Any  # pairs of a name and bytes
    value: bytes | None


class _UnfitError(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        self.unfit = Unfit(reason=reason, detail=detail)


def told_of_record(record: Record, *, now: datetime) -> Told | Unfit:
    """What a record tells, or why it tells nothing; never raises, whatever the bytes are."""
    try:
        attributes = _attributes(record)
        data = _data(record.value)
        told = _told(attributes, data)
    except _UnfitError as error:
        return error.unfit
    if is_from_the_future(told, now=now):
        return Unfit(reason=Reason.FROM_THE_FUTURE, detail="ce_time")
    return told


def _attributes(record: Record) -> Mapping[str, str]:
    try:
        found = read_headers({name: value or b"" for name, value in record.headers})
    except UnicodeDecodeError:
        raise _UnfitError(Reason.HEADERS, "an attribute is no UTF-8") from None
    for name in ("type", "id", "source", "time"):
        if not found.get(name):
            raise _UnfitError(Reason.HEADERS, f"ce_{name} is missing")
    if found["type"] not in _TYPES:
        raise _UnfitError(Reason.UNKNOWN_TYPE, found["type"][:200])
    return found


def _data(value: bytes | None) -> Mapping[str, Any]:
    try:
        data = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        raise _UnfitError(Reason.UNREADABLE, "no JSON") from None
    if not isinstance(data, dict):
        raise _UnfitError(Reason.UNREADABLE, "no JSON object")
    return data


def _told(attributes: Mapping[str, str], data: Mapping[str, Any]) -> Told:
    try:
        at = moment(attributes["time"])
    except ValueError:
        raise _UnfitError(Reason.HEADERS, "ce_time is no time with an offset") from None
    assert isinstance(at, datetime)  # noqa: S101 — for mypy: a validator speaks of objects
    kind, thing = _kind(data), _id(data)
    is_withdrawal = attributes["type"] == FactWithdrawn.type
    if not is_withdrawal and not isinstance(data.get("fact"), dict):
        raise _UnfitError(Reason.INVALID, "$.fact")
    try:
        fact = (
            None if is_withdrawal else fact_of(kind, thing, data["fact"], prefix="$.fact")
        )
    except Problem as problem:
        raise _UnfitError(Reason.INVALID, places_of(problem)) from None
    event_id = event_id_of(attributes["source"], attributes["id"])
    return Told(kind=kind, id=thing, at=at, event_id=event_id, fact=fact)


def _kind(data: Mapping[str, Any]) -> Kind:
    try:
        return Kind(data.get("kind"))  # type: ignore[arg-type]  # anything may be there
    except ValueError:
        raise _UnfitError(Reason.UNKNOWN_KIND, "$.kind") from None


def _id(data: Mapping[str, Any]) -> UUID:
    value = data.get("id")
    try:
        return parse_uuid(value if isinstance(value, str) else "")
    except Problem:
        raise _UnfitError(Reason.INVALID, "$.id") from None


def event_id_of(source: str, text: str) -> UUID:
    """An event's id as a UUID: CloudEvents asks only that it be unique to its source."""
    try:
        return UUID(text)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"{source} {text}")


def places_of(problem: Problem) -> str:
    """Where a body is wrong and how, as one line, without what it said."""
    found = [
        f"{item.entry} {item.description}"
        for item in problem.invalid
        if isinstance(item, Invalid)
    ]
    return "; ".join(found)[:1000] or str(problem)
