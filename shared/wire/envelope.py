"""The envelope of every eHealth answer, and the problems it can carry (spec §1.1, §1.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid:
    """One offending field of a request."""

    entry: str  # a JSON path such as `$.client_id`
    rule: str | None
    description: str
    params: Any = ()  # what the rule compares with: a list, or an object such as {"min": 12}
    entry_type: str = "json_data_property"

    def rendered(self) -> dict[str, Any]:
        """The item as the contract writes it."""
        params = list(self.params) if isinstance(self.params, tuple) else self.params
        rule = {"rule": self.rule, "params": params, "description": self.description}
        return {"entry_type": self.entry_type, "entry": self.entry, "rules": [rule]}


class Problem(Exception):  # noqa: N818 — it is an answer, not a fault of ours
    """An answer that refuses. Raised by handlers only: below them a refusal is a value."""

    def __init__(
        self,
        status: int,
        kind: str | None,
        message: str | None = None,
        *,
        invalid: Sequence[Invalid | Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message or kind or str(status))
        self.status = status
        self.kind = kind
        self.message = message
        self.invalid = invalid
        self.headers = dict(headers or {})

    def rendered(self) -> dict[str, Any]:
        """The `error` object."""
        error: dict[str, Any] = {} if self.kind is None else {"type": self.kind}
        if self.message is not None:
            error["message"] = self.message
        if self.invalid:
            error["invalid"] = [
                item.rendered() if isinstance(item, Invalid) else dict(item)
                for item in self.invalid
            ]
        return error


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where in a list a page stands; numbers start at 1."""

    number: int
    size: int
    total: int

    def rendered(self) -> dict[str, int]:
        """The `paging` object."""
        return {
            "page_number": self.number,
            "page_size": self.size,
            "total_entries": self.total,
            "total_pages": max(1, -(-self.total // self.size)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorPage:
    """A page of a list that is read on from where it ended; no one counts the whole of it."""

    size: int
    next_cursor: str | None  # none: this was the last page

    def rendered(self) -> dict[str, int | str | None]:
        """The `paging` object."""
        return {"page_size": self.size, "next_cursor": self.next_cursor}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What an answer says about the request it answers."""

    url: str
    request_id: str
    idempotency_key: str | None = None

    def rendered(self, status: int, *, many: bool = False) -> dict[str, Any]:
        """The `meta` object."""
        meta: dict[str, Any] = {
            "url": self.url,
            "type": "list" if many else "object",
            "code": status,
            "request_id": self.request_id,
        }
        if self.idempotency_key is not None:
            meta["idempotency_key"] = self.idempotency_key
        return meta


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer, before it is rendered."""

    data: Any
    status: int = 200
    urgent: Mapping[str, Any] | None = None
    paging: Page | CursorPage | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def success(meta: Meta, answer: Answer) -> bytes:
    """The body of a successful answer."""
    many = isinstance(answer.data, list)
    body = {"meta": meta.rendered(answer.status, many=many), "data": answer.data}
    if answer.paging is not None:
        body["paging"] = answer.paging.rendered()
    if answer.urgent is not None:
        body["urgent"] = answer.urgent
    return orjson.dumps(body, default=str)


def failure(meta: Meta, problem: Problem) -> bytes:
    """The body of an answer that refuses."""
    body = {"meta": meta.rendered(problem.status), "error": problem.rendered()}
    return orjson.dumps(body, default=str)


MALFORMED_TEXT = "Malformed request. Probably, you have sent corrupted JSON."
VALIDATION_TEXT = (
    "Validation failed. You can find validators description at our API Manifest: "
    "http://docs.apimanifest.apiary.io/#introduction/interacting-with-api/errors."
)
UNAVAILABLE_TEXT = "Service is temporarily unavailable. Try again later"
_JSON_RULE = ({"entry_type": "request", "rules": [{"rule": "json"}]},)


def malformed() -> Problem:
    """400: the JSON is broken, its wrapper is missing, or an id is no UUID."""
    return Problem(400, "request_malformed", MALFORMED_TEXT, invalid=_JSON_RULE)


def bad_request(message: str) -> Problem:
    """400 with a text of its own."""
    return Problem(400, "request_malformed", message)


def unprocessable(message: str) -> Problem:
    """422 with a text of its own; the type is that of a malformed request, as documented."""
    return Problem(422, "request_malformed", message, invalid=_JSON_RULE)


def validation_failed(invalid: Sequence[Invalid]) -> Problem:
    """422 that names every offending field."""
    return Problem(422, "validation_failed", VALIDATION_TEXT, invalid=invalid)


def access_denied(message: str | None = None) -> Problem:
    """401 with type `access_denied`."""
    return Problem(401, "access_denied", message)


def forbidden(message: str | None = None) -> Problem:
    """403."""
    return Problem(403, "forbidden", message)


def not_found() -> Problem:
    """404, without a message."""
    return Problem(404, "not_found")


def conflict(message: str) -> Problem:
    """409."""
    return Problem(409, "request_conflict", message)


def unavailable() -> Problem:
    """503: something we depend on is away; trying again is safe."""
    return Problem(
        503, "service_unavailable", UNAVAILABLE_TEXT, headers={"Retry-After": "1"}
    )
