"""The master patient index (spec §3.4): who a person of a user is, and whether still active."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.peers.outside import NoAnswerError, Outside, Reply, unexpected


class PersonsUnavailableError(Exception):
    """The index cannot be asked: nothing is known of the person."""


class Person(BaseModel):
    """A person as the index has them."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    status: str
    tax_id: str | None = Field(None, repr=False)


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")
    data: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterPatientIndex:
    """Asks for persons by id."""

    outside: Outside

    async def person(self, person_id: UUID | str) -> Person | None:
        """The person; none where the index has no such one, or the text is no id."""
        try:
            path = f"/persons/{UUID(str(person_id))}"
        except ValueError:
            return None
        try:
            return await self.outside.ask("GET", path, read=_person)
        except NoAnswerError as error:
            raise PersonsUnavailableError(str(error)) from None


def _person(reply: Reply) -> Person | None:
    if reply.status == 404:
        return None
    if reply.status != 200:
        raise unexpected(reply)
    try:
        return _Body.model_validate_json(reply.body).data
    except ValidationError:
        raise NoAnswerError("its answer cannot be read") from None
