"""GET|PUT /mpi/persons/{id}: the master patient index, filled by whoever tests."""

from aiohttp import web

from services.emulators.deps import PERSONS_MOST
from services.emulators.handlers.keys import DEPS
from shared.runtime.bodies import read_object
from shared.wire.casting import Body, Text, cast, parse_uuid
from shared.wire.envelope import Answer, conflict, not_found


class _Person(Body):
    status: Text = "active"
    tax_id: Text | None = None


async def get_person(request: web.Request) -> Answer:
    """A person; 404 where nobody put one."""
    person = request.app[DEPS].persons.get(str(parse_uuid(request.match_info["id"])))
    if person is None:
        raise not_found()
    return Answer(data=person)


async def put_person(request: web.Request) -> Answer:
    """Put a person, or change one."""
    persons = request.app[DEPS].persons
    person_id = str(parse_uuid(request.match_info["id"]))
    asked = cast(_Person, await read_object(request))
    if person_id not in persons and len(persons) >= PERSONS_MOST:
        raise conflict(f"No more than {PERSONS_MOST} persons are kept.")
    persons[person_id] = {"id": person_id, "status": asked.status, "tax_id": asked.tax_id}
    return Answer(data=persons[person_id])
