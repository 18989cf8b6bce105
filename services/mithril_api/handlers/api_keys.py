"""GET /admin/api_key/{key}/verify: what a gateway asks in `mis_only` mode (appendix A 4)."""

from uuid import UUID

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions.verify_api_key import verify_api_key
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.problems import refuse
from shared.models.scopes import joined
from shared.runtime.http import note
from shared.wire.envelope import Answer
from shared.wire.operations import Gives, operation


class ApiKeyDetails(TypedDict):
    """What an MIS may do."""

    broker_scope: str | None
    client_id: UUID
    scope: str


class ApiKeyObject(TypedDict):
    """A key that is good."""

    details: ApiKeyDetails


class MisObject(TypedDict):
    """Whose key it is."""

    mis_client_id: UUID | None


NO_STORE = {"Cache-Control": "no-store"}


@operation(Gives(data=ApiKeyObject, urgent=MisObject), refuses=(422,))
async def get_verify(request: web.Request) -> Answer:
    """Which MIS has the key, and what it may do."""
    outcome = await verify_api_key(request.app[DEPS], request.match_info["key"])
    if isinstance(outcome, Refused):
        note(request, outcome=outcome.reason.name.lower())
        refuse(outcome)
    note(request, outcome="verified", client_id=str(outcome.client_id))
    details = {
        "broker_scope": outcome.broker_scope,
        "client_id": outcome.client_id,
        "scope": joined(outcome.scope),
    }
    urgent = {"mis_client_id": outcome.client_id}
    return Answer(data={"details": details}, urgent=urgent, headers=NO_STORE)
