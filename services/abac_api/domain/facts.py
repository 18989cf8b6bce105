"""What abac-api decides by: facts about people, permissions and resources, as values.

A projection of what other systems own. Each has an id, and `None` where nothing is known.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Employee:
    """A person's job in a legal entity."""

    id: UUID
    user_id: UUID
    legal_entity_id: UUID
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A patient chose an employee as their doctor."""

    id: UUID
    patient_id: UUID
    employee_id: UUID
    legal_entity_id: UUID
    active_from: datetime
    active_to: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One resource that an approval opens: a patient, an episode, a care plan."""

    type: str
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A patient's permission to one employee, or to a legal entity."""

    id: UUID
    patient_id: UUID
    granted_to_employee_id: UUID | None
    granted_to_legal_entity_id: UUID | None
    resources: tuple[Grant, ...]
    access_level: str  # read or write; write includes read
    status: str  # new, active, expired, terminated
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFact:
    """What is known of an episode, an encounter, a report, a plan."""

    id: UUID
    type: str
    patient_id: UUID
    episode_id: UUID | None = None
    managing_organization_id: UUID | None = None
    requester_legal_entity_id: UUID | None = None
    origin_episode_id: UUID | None = None
    encounter_id: UUID | None = None
    diagnostic_report_id: UUID | None = None
    care_plan_id: UUID | None = None
    composition_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPerson:
    """Two records of a person turned out to be one: the merged goes on as the master."""

    id: UUID
    master_person_id: UUID
    merged_person_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Justification:
    """An NHS employee's stated reason to monitor a patient's data."""

    id: UUID
    user_id: UUID
    patient_id: UUID
    active_from: datetime
    active_to: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that bears on one question: read in one statement for a whole batch.

    `patients` are the patient asked about and every person merged into them, both ways.
    It is empty where no patient is known, and where what the question names (contexts, the
    resource, the resources of contexts) belongs to different people: then nothing that is
    granted on a patient may count.
    `resources` holds the resource asked for, those its contexts name, and those these refer
    to (episode, origin episode, encounter, report, plan), by id.
    """

    patients: frozenset[UUID] = frozenset()
    employees: tuple[Employee, ...] = ()  # active, of the user, in the token's legal entity
    declarations: tuple[Declaration, ...] = ()  # of `patients` in the token's legal entity
    approvals: tuple[
        Approval, ...
    ] = ()  # of `patients`, granted to `employees` or the entity
    resources: dict[UUID, ResourceFact] = field(default_factory=dict)
    justifications: tuple[Justification, ...] = ()  # of the user on `patients`
