"""Questions that tests ask, and the facts that answer them."""

from typing import Any
from uuid import UUID

import orjson

from services.abac_api.domain.facts import Declaration, Employee
from services.abac_api.domain.told import Fact
from services.abac_api.store.facts import upsert_many
from tests.integration.abac_api.conftest import Api
from tests.integration.abac_api.telling import told

USER = UUID("6f1f3fd0-0000-7000-8000-000000000001")
CLIENT = UUID("6f1f3fd0-0000-7000-8000-000000000002")
PATIENT = UUID("6f1f3fd0-0000-7000-8000-000000000003")
EMPLOYEE = UUID("6f1f3fd0-0000-7000-8000-000000000004")
RECORD = UUID("6f1f3fd0-0000-7000-8000-000000000005")
NOBODY = UUID("6f1f3fd0-0000-7000-8000-00000000000f")


def a_body(**but: Any) -> dict[str, Any]:
    """A question that rule 1 permits once `declare` has run; `but` replaces root fields."""
    body = {
        "consumer": {
            "user_id": str(USER),
            "client_id": str(CLIENT),
            "client_type": "MSP",
        },
        "resource": {"type": "encounter", "id": str(RECORD), "action": "read"},
        "contexts": [{"type": "patient", "id": str(PATIENT)}],
    }
    return {**body, **but}


def an_evaluation(**but: Any) -> dict[str, Any]:
    """The same question in the words of AuthZEN."""
    body = {
        "subject": {
            "type": "user",
            "id": str(USER),
            "properties": {"client_id": str(CLIENT), "client_type": "MSP"},
        },
        "action": {"name": "read"},
        "resource": {"type": "encounter", "id": str(RECORD)},
        "context": {"patient_id": str(PATIENT)},
    }
    return {**body, **but}


async def declare(api: Api, *, patient: UUID = PATIENT) -> None:
    """Make the user an employee with whom the patient has an active declaration."""
    now = api.clock.now()
    employee = Employee(id=EMPLOYEE, user_id=USER, legal_entity_id=CLIENT, is_active=True)
    declaration = Declaration(
        id=RECORD,
        patient_id=patient,
        employee_id=EMPLOYEE,
        legal_entity_id=CLIENT,
        active_from=now,
        active_to=None,
    )
    await tell(api, employee, declaration)


async def tell(api: Api, *facts: Fact) -> None:
    """Make facts known."""
    async with api.deps.db.begin() as conn:
        await upsert_many(conn, [told(fact, at=api.clock.now()) for fact in facts])


async def records(api: Api) -> list[dict[str, Any]]:
    """The decisions in the outbox, oldest first, as their consumers read them."""
    async with api.deps.db.read() as conn:
        found = await conn.exec_driver_sql(
            "SELECT payload::text FROM outbox WHERE type = 'mithril.abac.decision-made.v1' "
            "ORDER BY position"
        )
        return [orjson.loads(payload) for (payload,) in found]
