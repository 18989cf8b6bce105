"""Records as the lines of a file: NDJSON, CSV, FHIR.

CSV is RFC 4180 with a header. A cell that a spreadsheet would take for a formula begins with
an apostrophe: the texts in it come from whoever asked for access.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from services.abac_log_consumer.domain.chain import chain_id
from services.abac_log_consumer.domain.entries import Decision, TokenEvent
from services.abac_log_consumer.domain.fhir import audit_event

Entry = TypeVar("Entry", Decision, TokenEvent)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format(Generic[Entry]):
    """How a kind of record becomes a file."""

    name: str
    content_type: str
    extension: str
    head: bytes
    lines: Callable[[Iterable[Entry]], bytes]


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_APPEND_NEWLINE)


def _ndjson(entries: Iterable[Decision] | Iterable[TokenEvent]) -> bytes:
    return b"".join(_json(entry.rendered()) for entry in entries)


def _fhir(entries: Iterable[Decision]) -> bytes:
    return b"".join(_json(audit_event(entry)) for entry in entries)


_LINK_COLUMNS: Mapping[str, Callable[[Decision | TokenEvent], Any]] = {
    "chain": lambda e: chain_id(e.link.topic, e.link.partition),
    "offset": lambda e: e.link.offset,
    "chain_sequence": lambda e: e.link.sequence,
    "previous_hash": lambda e: e.link.previous_hash.hex(),
    "hash": lambda e: e.link.hash.hex(),
}
_DECISION_COLUMNS: Mapping[str, Callable[[Decision], Any]] = {
    "id": lambda d: d.id,
    "decision_id": lambda d: d.decision_id,
    "decided_at": lambda d: d.decided_at.isoformat(),
    "inserted_at": lambda d: d.recorded_at.isoformat(),
    "user_id": lambda d: d.user_id,
    "client_id": lambda d: d.client_id,
    "client_type": lambda d: d.client_type,
    "client_name": lambda d: d.client_name,
    "mis_client_id": lambda d: d.mis_client_id,
    "person_id": lambda d: d.person_id,
    "patient_id": lambda d: d.patient_id,
    "resource_type": lambda d: d.resource_type,
    "resource_id": lambda d: d.resource_id,
    "action": lambda d: d.action,
    "contexts": lambda d: " ".join(f"{c['type']}:{c['id']}" for c in d.contexts),
    "result": lambda d: "true" if d.result else "false",
    "rules": lambda d: " ".join(d.rules),
    "reason": lambda d: d.reason,
    "policy_version": lambda d: d.policy_version,
    "request_id": lambda d: d.request_id,
    "trace_id": lambda d: d.trace_id,
    "source": lambda d: d.source,
    "sequence": lambda d: d.sequence,
    **_LINK_COLUMNS,
}
_TOKEN_COLUMNS: Mapping[str, Callable[[TokenEvent], Any]] = {
    "id": lambda e: e.id,
    "type": lambda e: e.type,
    "at": lambda e: e.at.isoformat(),
    "inserted_at": lambda e: e.recorded_at.isoformat(),
    "user_id": lambda e: e.user_id,
    "client_id": lambda e: e.client_id,
    "client_name": lambda e: e.client_name,
    "data": lambda e: orjson.dumps(dict(e.data), default=str).decode(),
    "trace_id": lambda e: e.trace_id,
    "source": lambda e: e.source,
    "sequence": lambda e: e.sequence,
    **_LINK_COLUMNS,
}


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(
        [_cell(item) for item in row] for row in rows
    )
    return buffer.getvalue().encode(errors="replace")


def _cell(item: Any) -> str:
    text = "" if item is None else str(item)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _decision_rows(entries: Iterable[Decision]) -> bytes:
    readers = _DECISION_COLUMNS.values()
    return _csv([read(entry) for read in readers] for entry in entries)


def _token_rows(entries: Iterable[TokenEvent]) -> bytes:
    readers = _TOKEN_COLUMNS.values()
    return _csv([read(entry) for read in readers] for entry in entries)


DECISIONS: Mapping[str, Format[Decision]] = {
    "ndjson": Format(
        name="ndjson",
        content_type="application/x-ndjson",
        extension="ndjson",
        head=b"",
        lines=_ndjson,
    ),
    "csv": Format(
        name="csv",
        content_type="text/csv; charset=utf-8; header=present",
        extension="csv",
        head=_csv([list(_DECISION_COLUMNS)]),
        lines=_decision_rows,
    ),
    "fhir": Format(
        name="fhir",
        content_type="application/fhir+ndjson",
        extension="fhir.ndjson",
        head=b"",
        lines=_fhir,
    ),
}
TOKEN_EVENTS: Mapping[str, Format[TokenEvent]] = {
    "ndjson": Format(
        name="ndjson",
        content_type="application/x-ndjson",
        extension="ndjson",
        head=b"",
        lines=_ndjson,
    ),
    "csv": Format(
        name="csv",
        content_type="text/csv; charset=utf-8; header=present",
        extension="csv",
        head=_csv([list(_TOKEN_COLUMNS)]),
        lines=_token_rows,
    ),
}
