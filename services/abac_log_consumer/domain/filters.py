"""What an auditor may ask for: the filters of each list, and the bounds of a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.abac_log_consumer.domain import queries
from services.abac_log_consumer.domain.cursor import Place, place_of
from services.abac_log_consumer.domain.queries import Reader, Unfit, invalid
from shared.models.access import Action

PAGE_SIZE = 50
LARGEST_PAGE = 300
LONGEST_SUMMARY = timedelta(days=92)
USUAL_SUMMARY = timedelta(days=30)

_PERIOD: Mapping[str, Reader] = {"from": queries.moment, "to": queries.moment}
_PAGE: Mapping[str, Reader] = {
    "page_size": queries.number(least=1, most=LARGEST_PAGE),
    "cursor": queries.words,
}
_DECISION: Mapping[str, Reader] = {
    "patient_id": queries.uuid,
    "user_id": queries.uuid,
    "client_id": queries.uuid,
    "mis_client_id": queries.uuid,
    "resource_type": queries.words,
    "resource_id": queries.uuid,
    "action": queries.one_of(*Action),
    "result": queries.flag,
    "rule": queries.shaped(r"rule_-?\d{1,3}"),
    "request_id": queries.words,
    **_PERIOD,
}
_TOKEN_EVENT: Mapping[str, Reader] = {
    "user_id": queries.uuid,
    "client_id": queries.uuid,
    "type": queries.shaped(r"mithril\.[a-z.-]{1,80}\.v\d{1,3}"),
    **_PERIOD,
}
_OF_A_PATIENT: Mapping[str, Reader] = {"result": queries.flag, **_PERIOD}
_AUDIT_QUERY: Mapping[str, Reader] = {
    "user_id": queries.uuid,
    "client_id": queries.uuid,
    **_PERIOD,
}
# No index finds these, since each would cost every record, and few records share none of them.
_NOT_INDEXED = frozenset({"resource_type", "action", "result", "rule", "type"})
# Each of these leaves few enough to look at all of them.
_SELECTIVE = frozenset({"patient_id", "user_id", "resource_id", "request_id"})
FORMATS = ("ndjson", "csv", "fhir")
TOKEN_FORMATS = ("ndjson", "csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A list as asked for: equal to each of `wanted`, within the period, from a place on.

    `since` is within the period, `until` is not.
    """

    wanted: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    page_size: int = PAGE_SIZE
    after: Place | None = None
    form: str = "ndjson"  # of an export

    @property
    def is_searched(self) -> bool:
        """Whether its records are found by reading others, as many as it may be."""
        names = self.wanted.keys()
        return not _NOT_INDEXED.isdisjoint(names) and _SELECTIVE.isdisjoint(names)

    def said(self) -> dict[str, Any]:
        """The filters as they are written down, and as a cursor is bound to them."""
        period = {"from": self.since, "to": self.until}
        said = {**self.wanted, **period}
        return {name: item for name, item in said.items() if item is not None}


Pairs = Sequence[tuple[str, str]]


def decisions(pairs: Pairs) -> Asked | Unfit:
    """A page of decisions."""
    return _page(pairs, _DECISION)


def decisions_exported(pairs: Pairs) -> Asked | Unfit:
    """All the decisions that filters choose, in a format."""
    return _export(pairs, _DECISION, FORMATS)


def of_a_patient(pairs: Pairs, *, patient_id: Any) -> Asked | Unfit:
    """A page of the decisions about one patient."""
    return _page(pairs, _OF_A_PATIENT, fixed={"patient_id": patient_id})


def token_events(pairs: Pairs) -> Asked | Unfit:
    """A page of token and account events."""
    return _page(pairs, _TOKEN_EVENT)


def token_events_exported(pairs: Pairs) -> Asked | Unfit:
    """All the token and account events that filters choose, in a format."""
    return _export(pairs, _TOKEN_EVENT, TOKEN_FORMATS)


def audit_queries(pairs: Pairs) -> Asked | Unfit:
    """A page of what auditors asked."""
    return _page(pairs, _AUDIT_QUERY)


def summary(pairs: Pairs, *, now: datetime) -> Asked | Unfit:
    """The decisions of a period to count: the last thirty days unless said, never unbounded."""
    read = queries.read_all(pairs, _DECISION)
    if isinstance(read, Unfit):
        return read
    until = read.get("to") or max(now, read.get("from") or now) + timedelta(seconds=1)
    since = read.get("from") or until - USUAL_SUMMARY
    if until - since > LONGEST_SUMMARY:
        text = f"the period should be at most {LONGEST_SUMMARY.days} days"
        params = {"max": LONGEST_SUMMARY.days}
        fields = [invalid(name, "period", text, params) for name in ("from", "to")]
        return Unfit(fields=tuple(fields))
    return _asked({**read, "from": since, "to": until})


def nothing(pairs: Pairs) -> Asked | Unfit:
    """A resource without parameters."""
    read = queries.read_all(pairs, {})
    return read if isinstance(read, Unfit) else Asked()


def _page(
    pairs: Pairs, readers: Mapping[str, Reader], fixed: Mapping[str, Any] | None = None
) -> Asked | Unfit:
    read = queries.read_all(pairs, {**readers, **_PAGE})
    if isinstance(read, Unfit):
        return read
    return _asked({**read, **(fixed or {})})


def _export(
    pairs: Pairs, readers: Mapping[str, Reader], formats: Sequence[str]
) -> Asked | Unfit:
    read = queries.read_all(pairs, {**readers, "format": queries.one_of(*formats)})
    return read if isinstance(read, Unfit) else _asked(read)


def _asked(read: dict[str, Any]) -> Asked | Unfit:
    since, until = read.pop("from", None), read.pop("to", None)
    if since is not None and until is not None and until <= since:
        text = "`to` should be later than `from`"
        fields = [invalid(name, "period", text) for name in ("from", "to")]
        return Unfit(fields=tuple(fields))
    cursor = read.pop("cursor", None)
    size = read.pop("page_size", PAGE_SIZE)
    form = read.pop("format", FORMATS[0])
    asked = Asked(wanted=read, since=since, until=until, page_size=size, form=form)
    if cursor is None:
        return asked
    place = place_of(cursor, query=asked.said())
    if place is None:
        text = "is not a cursor of this query"
        return Unfit(fields=(invalid("cursor", "cursor", text),))
    return Asked(
        wanted=read, since=since, until=until, page_size=size, after=place, form=form
    )
