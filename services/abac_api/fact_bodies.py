"""Facts as JSON says them, of every way in: topic, HTTP, file."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from services.abac_api.domain import facts
from services.abac_api.domain.questions import type_of
from services.abac_api.domain.told import Fact, Kind, Told
from shared.wire.casting import Body, Id, cast

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOST_GRANTS = 500


def moment(value: object) -> object:
    """An ISO 8601 time with its offset, in UTC."""
    try:
        made = datetime.fromisoformat(value) if isinstance(value, str) else None
        if made is not None and made.tzinfo is not None:
            return made.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("cast", "is invalid", {"params": ["utc_datetime"]})


def _type(value: str) -> str:
    if _TYPE.fullmatch(value) is None:
        params = {"params": [f"^{_TYPE.pattern}$"]}
        raise PydanticCustomError("format", "has invalid format", params)
    return type_of(value)


Moment = Annotated[datetime, BeforeValidator(moment)]
Type = Annotated[str, AfterValidator(_type)]  # under its one name


class _Employee(Body):
    user_id: Id
    legal_entity_id: Id
    is_active: bool

    def fact(self, thing: UUID) -> Fact:
        return facts.Employee(id=thing, **dict(self))


class _Declaration(Body):
    patient_id: Id
    employee_id: Id
    legal_entity_id: Id
    active_from: Moment
    active_to: Moment | None = None

    def fact(self, thing: UUID) -> Fact:
        return facts.Declaration(id=thing, **dict(self))


class _Grant(Body):
    type: Type
    id: Id


class _Approval(Body):
    patient_id: Id
    granted_to_employee_id: Id | None = None
    granted_to_legal_entity_id: Id | None = None
    resources: list[_Grant] = Field(max_length=_MOST_GRANTS)
    access_level: Literal["read", "write"]
    status: Literal["new", "active", "expired", "terminated"]
    expires_at: Moment | None = None

    @model_validator(mode="after")
    def _has_one_grantee(self) -> Self:
        if (self.granted_to_employee_id is None) is (
            self.granted_to_legal_entity_id is None
        ):
            text = "must be granted to an employee or to a legal entity"
            raise PydanticCustomError("required", text)
        return self

    def fact(self, thing: UUID) -> Fact:
        grants = tuple(facts.Grant(type=item.type, id=item.id) for item in self.resources)
        return facts.Approval(id=thing, **{**dict(self), "resources": grants})


class _Resource(Body):
    type: Type
    patient_id: Id
    episode_id: Id | None = None
    managing_organization_id: Id | None = None
    requester_legal_entity_id: Id | None = None
    origin_episode_id: Id | None = None
    encounter_id: Id | None = None
    diagnostic_report_id: Id | None = None
    care_plan_id: Id | None = None
    composition_id: Id | None = None

    def fact(self, thing: UUID) -> Fact:
        return facts.ResourceFact(id=thing, **dict(self))


class _MergedPerson(Body):
    master_person_id: Id
    merged_person_id: Id

    def fact(self, thing: UUID) -> Fact:
        return facts.MergedPerson(id=thing, **dict(self))


class _Justification(Body):
    user_id: Id
    patient_id: Id
    active_from: Moment
    active_to: Moment | None = None

    def fact(self, thing: UUID) -> Fact:
        return facts.Justification(id=thing, **dict(self))


_BODIES: Mapping[
    Kind,
    type[_Employee | _Declaration | _Approval | _Resource | _MergedPerson | _Justification],
] = {
    Kind.EMPLOYEE: _Employee,
    Kind.DECLARATION: _Declaration,
    Kind.APPROVAL: _Approval,
    Kind.RESOURCE: _Resource,
    Kind.MERGED_PERSON: _MergedPerson,
    Kind.JUSTIFICATION: _Justification,
}


def fact_of(
    kind: Kind, thing: UUID, value: Mapping[str, Any], *, prefix: str = "$"
) -> Fact:
    """The fact; or a 422 `Problem` that names every offending field."""
    return cast(_BODIES[kind], value, prefix=prefix).fact(thing)


def _kind(value: object) -> object:
    try:
        return Kind(value)  # type: ignore[arg-type]  # anything may be there
    except ValueError:
        params = {"params": [kind.value for kind in Kind]}
        raise PydanticCustomError("inclusion", "is invalid", params) from None


class _Line(Body):
    kind: Annotated[Kind, BeforeValidator(_kind)]
    id: Id
    at: Moment | None = None
    fact: dict[str, Any] | None = None
    withdrawn: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.fact is None) is not self.withdrawn:
            text = "must have either `fact` or `withdrawn`"
            raise PydanticCustomError("required", text)
        return self


def told_of_line(value: Mapping[str, Any], *, now: datetime, event_id: UUID) -> Told:
    """What a line of a file says: `kind`, `id`, `fact` or `withdrawn`, perhaps `at`."""
    line = cast(_Line, value)
    made = (
        None
        if line.fact is None
        else fact_of(line.kind, line.id, line.fact, prefix="$.fact")
    )
    return Told(kind=line.kind, id=line.id, at=line.at or now, event_id=event_id, fact=made)
