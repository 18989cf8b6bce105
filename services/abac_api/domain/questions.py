"""An access question: who wants to do what to which resource, and where it stands (spec §9.3)."""

from dataclasses import dataclass
from uuid import UUID

from shared.models.access import Consumer, Context, Resource

# One name a thing: older pages and approvals call the same things otherwise.
_ALIASES = {
    "person": "patient",
    "preperson": "patient",
    "episode_of_care": "episode",
}


def type_of(name: str) -> str:
    """The one name of a type of resource or context: `person_id` and `person` are `patient`."""
    name = name.removesuffix("_id")
    return _ALIASES.get(name, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """As asked, with types under their one name."""

    consumer: Consumer
    resource: Resource
    contexts: tuple[Context, ...] = ()
    is_malformed: bool = False  # something in it is no id: refused, and recorded as refused

    def context(self, kind: str) -> UUID | None:
        """The id of the context of a type."""
        for context in self.contexts:
            if context.type == kind:
                return context.id
        return None


def asked(
    consumer: Consumer, resource: Resource, contexts: tuple[Context, ...] = ()
) -> Question:
    """A question, with the types of contexts and resource under their one name."""
    return Question(
        consumer=consumer,
        resource=Resource(
            type=type_of(resource.type), action=resource.action, id=resource.id
        ),
        contexts=tuple(Context(type=type_of(item.type), id=item.id) for item in contexts),
    )


def patient_of(question: Question, known_patient: UUID | None) -> UUID | None:
    """Whose data is asked for: the contexts say it, else what is known of the resource."""
    return question.context("patient") or known_patient
