"""Reading mithril-api's envelopes; what cannot be read is as good as no answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from shared.peers.sign_in_answers import (
    DONE,
    Approval,
    Consent,
    Done,
    Factor,
    FieldRefusal,
    Refusal,
    SignInUnavailableError,
    Step,
    Totp,
)

Json = Mapping[str, Any]
T = TypeVar("T")

_FACTORS = TypeAdapter(tuple[Factor, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An envelope, opened."""

    data: Any = field(default=None, repr=False)
    urgent: Json = field(default_factory=dict, repr=False)
    paging: Json = field(default_factory=dict)
    location: str | None = field(default=None, repr=False)
    refusal: Refusal | None = None


def read(status: int, headers: Mapping[str, str], raw: bytes) -> Answer:
    """The answer of a finished request."""
    if status == 204:
        return Answer()
    try:
        body = object_of(orjson.loads(raw))
    except orjson.JSONDecodeError:
        raise SignInUnavailableError(
            f"mithril-api answered {status} without JSON"
        ) from None
    if status >= 500 and object_of(body.get("error")).get("type") != "internal_error":
        raise SignInUnavailableError(f"mithril-api answered {status}")
    if status >= 400:
        return Answer(refusal=_refusal(status, headers, object_of(body.get("error"))))
    return Answer(
        data=body.get("data"),
        urgent=object_of(body.get("urgent")),
        paging=object_of(body.get("paging")),
        location=headers.get("Location"),
    )


def _refusal(status: int, headers: Mapping[str, str], error: Json) -> Refusal:
    wait = headers.get("Retry-After", "")
    return Refusal(
        status=status,
        kind=str(error.get("type", "")),
        message=str(error.get("message", "")),
        fields=tuple(
            FieldRefusal(
                name=str(item.get("entry", "")).removeprefix("$.").rpartition(".")[2],
                rule=str(rule.get("rule") or ""),
                description=str(rule.get("description") or ""),
            )
            for item in map(object_of, error.get("invalid") or [])
            for rule in map(object_of, item.get("rules") or [])
        ),
        retry_after=int(wait) if wait.isascii() and wait.isdecimal() else None,
    )


def step_of(answer: Answer) -> Step | Refusal:
    """A token with its next step."""
    if answer.refusal is not None:
        return answer.refusal
    data, urgent = object_of(answer.data), answer.urgent
    totp, webauthn = urgent.get("totp"), urgent.get("webauthn")
    try:
        expires_at = datetime.fromtimestamp(int(data.get("expires_at") or 0), tz=UTC)
    except (ValueError, TypeError, OverflowError):
        raise _unreadable() from None
    return Step(
        token=text_of(data, "value"),
        expires_at=expires_at,
        kind=text_of(data, "name"),
        next_step=None if urgent.get("next_step") is None else str(urgent["next_step"]),
        factors=valid(_FACTORS, urgent.get("factors") or []),
        factor_id=None if urgent.get("factor_id") is None else str(urgent["factor_id"]),
        totp=None if totp is None else valid(TypeAdapter(Totp), totp),
        webauthn=None if webauthn is None else object_of(webauthn),
    )


def done_of(answer: Answer) -> Done | Refusal:
    """Whether it was done."""
    return DONE if answer.refusal is None else answer.refusal


def approval_of(data: Json) -> Approval:
    """From an `app` of the API, which tells the client's name beside its id."""
    client = object_of(data.get("client"))
    name = data.get("client_name") or client.get("name") or data.get("client_id") or ""
    scope = data.get("scope") or ""
    since = data.get("created_at") or data.get("inserted_at")
    return Approval(
        id=text_of(data, "id"),
        client_name=str(name),
        scope=tuple(str(scope).split()),
        since=None if since is None else str(since),
    )


def consent_of(data: Json) -> Consent:
    """From a preview of the API: of a client's request, or of a device's."""
    return Consent(
        client_name=text_of(object_of(data.get("client")), "name"),
        scope=tuple(text_of(data, "scope").split()),
        new=tuple(text_of(data, "new").split()),
        trusted=bool(data.get("trusted")),
        must_ask=bool(data.get("ask")),
        user_code=str(data.get("user_code") or ""),
    )


def valid(adapter: TypeAdapter[T], value: object) -> T:
    """The value in its type."""
    try:
        return adapter.validate_python(value)
    except ValidationError:
        raise _unreadable() from None


def object_of(value: object) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(data: Json, name: str) -> str:
    """A text that must be there."""
    value = data.get(name)
    if not isinstance(value, str):
        raise _unreadable()
    return value


def _unreadable() -> SignInUnavailableError:
    return SignInUnavailableError("mithril-api's answer cannot be read")
