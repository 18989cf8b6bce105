"""A world of named things in which the scenarios of the rules take place."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from services.abac_api.domain.decide import decide
from services.abac_api.domain.facts import (
    Approval,
    Declaration,
    Employee,
    Facts,
    Grant,
    Justification,
    ResourceFact,
)
from services.abac_api.domain.policies import Policies
from services.abac_api.domain.questions import Question, asked
from services.abac_api.domain.verdicts import Decision
from shared.models.access import Consumer, Context, Resource

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
_NAMES = UUID("0b6f1a3c-5f0e-4c39-9d5e-3a2d8a9f5d11")


def id_of(name: str) -> UUID:
    """The id of a named thing: the same wherever the name is used."""
    return uuid5(_NAMES, name)


ME, MY_LEGAL_ENTITY = id_of("the user"), id_of("my legal entity")


@dataclass
class World:
    """What a scenario has said so far, and the answer to its question."""

    client_type: str | None = "MSP"
    person: str | None = None
    employees: list[Employee] = field(default_factory=list)
    declarations: list[Declaration] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    justifications: list[Justification] = field(default_factory=list)
    resources: list[ResourceFact] = field(default_factory=list)
    merged: list[tuple[UUID, UUID]] = field(default_factory=list)
    decision: Decision | None = None

    def employ(self, name: str, *, active: bool = True, where: str | None = None) -> None:
        """The user has a job."""
        self.employees.append(
            Employee(
                id=id_of(name),
                user_id=ME,
                legal_entity_id=id_of(where or "my legal entity"),
                is_active=active,
            )
        )

    def declare(
        self, patient: str, employee: str, *, where: str, ends: datetime | None
    ) -> None:
        """A patient chose a doctor."""
        self.declarations.append(
            Declaration(
                id=id_of(f"declaration {len(self.declarations)}"),
                patient_id=id_of(patient),
                employee_id=id_of(employee),
                legal_entity_id=id_of(where),
                active_from=NOW - timedelta(days=1),
                active_to=ends,
            )
        )

    def approve(self, kind: str, name: str, patient: str, grantee: str, **but: Any) -> None:
        """A patient granted access."""
        to_entity = "legal entity" in grantee
        values: dict[str, Any] = {
            "id": id_of(f"approval {len(self.approvals)}"),
            "patient_id": id_of(patient),
            "granted_to_employee_id": None if to_entity else id_of(grantee),
            "granted_to_legal_entity_id": id_of(grantee) if to_entity else None,
            "resources": (Grant(type=kind, id=id_of(name)),),
            "access_level": "read",
            "status": "active",
            "expires_at": None,
        }
        self.approvals.append(Approval(**{**values, **but}))

    def ask(
        self, policies: Policies, action: str, kind: str, name: str | None, *places: str
    ) -> None:
        """Ask, in places such as `patient P`."""
        contexts = [place.split(" ", 1) for place in places]
        question = asked(
            Consumer(
                user_id=ME,
                client_id=MY_LEGAL_ENTITY,
                client_type=self.client_type,
                person_id=None if self.person is None else id_of(self.person),
            ),
            Resource(type=kind, action=action, id=None if name is None else id_of(name)),
            tuple(Context(type=where, id=id_of(what)) for where, what in contexts),
        )
        self.decision = decide(question, self.facts(question), policies, now=NOW)

    def facts(self, question: Question) -> Facts:
        """What the store would find for a question."""
        resources = {fact.id: fact for fact in self.resources}
        ids = [question.resource.id, *(context.id for context in question.contexts)]
        owners = [resources[id_].patient_id for id_ in ids if id_ in resources]
        patient = question.context("patient")
        named = owners if patient is None else [patient, *owners]
        persons = frozenset(named[:1])
        for one, other in self.merged * len(self.merged):
            if {one, other} & persons:
                persons |= {one, other}
        return Facts(
            patients=persons if set(named) <= persons else frozenset(),
            employees=tuple(self.employees),
            declarations=tuple(self.declarations),
            approvals=tuple(self.approvals),
            justifications=tuple(self.justifications),
            resources=resources,
        )
