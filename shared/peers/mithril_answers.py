"""What mithril-api says of a token or an api-key, read into verdicts (spec §7.1)."""

from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from shared.models.confirmations import UNBOUND, Confirmation, confirmation_of
from shared.models.scopes import scope_set

_SERVICE_TOKEN_REFUSED = frozenset(
    {
        "Invalid access token",
        "Authorization header is not set or doesn't contain Bearer token",
    }
)


class MithrilUnavailableError(Exception):
    """mithril-api cannot be asked: nothing is known of the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedToken:
    """A live access token: whose it is, and how far it goes (narrowed to what a broker may)."""

    token_id: UUID
    user_id: UUID
    client_id: UUID
    scope: frozenset[str]
    person_id: UUID | None  # of a patient's own token
    mis_client_id: UUID | None
    client_type: str | None = None
    broker_scope: frozenset[str] | None = None  # none where no broker stands between
    expires_at: int | None = None  # unix seconds
    confirmation: Confirmation = UNBOUND  # what its holder has to prove


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedKey:
    """A live api-key of a MIS that comes without a user."""

    client_id: UUID
    scope: frozenset[str]
    broker_scope: frozenset[str] | None
    mis_client_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedToken:
    """No live access token; `reason` is the type of mithril-api's refusal."""

    reason: str


Verdict: TypeAlias = VerifiedToken | RefusedToken
KeyVerdict: TypeAlias = VerifiedKey | RefusedToken


class _Details(BaseModel):
    model_config = ConfigDict(extra="ignore")
    client_id: UUID
    scope: str = ""
    broker_scope: str | None = None
    client_type: str | None = None
    cnf: Any = None


class _User(BaseModel):
    model_config = ConfigDict(extra="ignore")
    person_id: str | None = None


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: UUID
    user_id: UUID
    expires_at: int | None = None
    details: _Details
    user: _User = _User()


class _Urgent(BaseModel):
    model_config = ConfigDict(extra="ignore")
    mis_client_id: UUID | None = None


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")
    data: _Data
    urgent: _Urgent = _Urgent()


class _One(BaseModel):
    """One verdict of many: `data` where `status` is 200, else `error`."""

    model_config = ConfigDict(extra="ignore")
    status: int
    data: _Data | None = None
    urgent: _Urgent = _Urgent()
    error: dict[str, Any] = {}


class _Many(BaseModel):
    model_config = ConfigDict(extra="ignore")
    data: list[_One]


class _KeyDetails(BaseModel):
    model_config = ConfigDict(extra="ignore")
    client_id: UUID
    scope: str = ""
    broker_scope: str | None = None


class _KeyData(BaseModel):
    model_config = ConfigDict(extra="ignore")
    details: _KeyDetails


class _KeyBody(BaseModel):
    model_config = ConfigDict(extra="ignore")
    data: _KeyData


def read_one(status: int, raw: bytes) -> Verdict:
    """The verdict on a token; `MithrilUnavailableError` where this is none."""
    if status != 200:
        return _refused(status, raw)
    try:
        body = _Body.model_validate_json(raw)
    except ValidationError:
        raise MithrilUnavailableError("mithril-api's answer cannot be read") from None
    return _verified(body.data, body.urgent)


def read_many(status: int, raw: bytes) -> list[Verdict]:
    """The verdicts on several tokens."""
    if status != 200:
        raise MithrilUnavailableError(f"mithril-api answered {status}")
    try:
        body = _Many.model_validate_json(raw)
    except ValidationError:
        raise MithrilUnavailableError("mithril-api's answer cannot be read") from None
    return [
        RefusedToken(reason=str(one.error.get("type", one.status)))
        if one.data is None
        else _verified(one.data, one.urgent)
        for one in body.data
    ]


def read_key(status: int, raw: bytes) -> KeyVerdict:
    """The verdict on an api-key."""
    if status != 200:
        return _refused(status, raw)
    try:
        details = _KeyBody.model_validate_json(raw).data.details
    except ValidationError:
        raise MithrilUnavailableError("mithril-api's answer cannot be read") from None
    scope, broker_scope = _narrowed(details.scope, details.broker_scope)
    return VerifiedKey(
        client_id=details.client_id,
        scope=scope,
        broker_scope=broker_scope,
        mis_client_id=details.client_id,
    )


def _refused(status: int, raw: bytes) -> RefusedToken:
    if status not in {401, 404, 422}:
        raise MithrilUnavailableError(f"mithril-api answered {status}")
    error = _error_of(raw)
    if status == 401 and error.get("message") in _SERVICE_TOKEN_REFUSED:
        raise MithrilUnavailableError("mithril-api refuses our service token")
    return RefusedToken(reason=str(error.get("type", status)))


def _verified(data: _Data, urgent: _Urgent) -> VerifiedToken:
    details = data.details
    scope, broker_scope = _narrowed(details.scope, details.broker_scope)
    return VerifiedToken(
        token_id=data.id,
        user_id=data.user_id,
        client_id=details.client_id,
        scope=scope,
        person_id=_person(data.user.person_id),
        mis_client_id=urgent.mis_client_id,
        client_type=details.client_type,
        broker_scope=broker_scope,
        expires_at=data.expires_at,
        confirmation=confirmation_of({"cnf": details.cnf}),
    )


def _narrowed(
    scope: str, broker_scope: str | None
) -> tuple[frozenset[str], frozenset[str] | None]:
    """A scope, narrowed to what a broker may if there is one; and what that is."""
    if broker_scope is None:
        return scope_set(scope), None
    limit = scope_set(broker_scope)
    return scope_set(scope) & limit, limit


def _person(text: str | None) -> UUID | None:
    """The person of the MPI that a user is, if any; a text that is no id names nobody."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _error_of(raw: bytes) -> dict[str, Any]:
    try:
        error = orjson.loads(raw)["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def read_counts(status: int, body: bytes) -> dict[str, int]:
    """How many of each were touched."""
    if status != 200:
        raise MithrilUnavailableError(f"mithril-api answered {status}")
    try:
        return TypeAdapter(dict[str, int]).validate_python(orjson.loads(body)["data"])
    except (orjson.JSONDecodeError, ValidationError, KeyError, TypeError) as error:
        raise MithrilUnavailableError("mithril-api's answer cannot be read") from error
