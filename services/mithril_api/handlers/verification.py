"""GET /admin/tokens/{value}/verify and /user: what a gateway asks about an access token (§7.1)."""

from typing import Any
from uuid import UUID

from aiohttp import web
from typing_extensions import TypedDict

from services.mithril_api.actions.find_owner import find_owner
from services.mithril_api.actions.verify_tokens import VerifyAsked, refused_unseen
from services.mithril_api.domain.records import TokenObject, rendered
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.domain.verification import Verified
from services.mithril_api.handlers import scope_limits
from services.mithril_api.handlers.declaring import API_KEY_HEADER
from services.mithril_api.handlers.keys import DEPS, METRICS, VERIFIES
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.rendering import UserObject, user_object
from services.mithril_api.handlers.scope_limits import ScopeLimitObject
from shared.runtime.http import note
from shared.wire.envelope import Answer
from shared.wire.operations import Gives, operation


class PersonObject(TypedDict):
    """Of the user, what a gateway needs."""

    person_id: str | None


class VerifiedObject(TokenObject):
    """A token that is good, and whose it is."""

    user: PersonObject


class MisClientObject(TypedDict):
    """The MIS through which the token is used, if any."""

    mis_client_id: UUID | None


class TokenExpiryObject(TypedDict):
    """When the token ends, in Unix seconds."""

    expires_at: int


class OwnerRightsObject(TypedDict):
    """The roles that count for a token."""

    roles: list[ScopeLimitObject]
    global_roles: list[ScopeLimitObject]
    token: TokenExpiryObject


class TokenOwnerObject(UserObject):
    """Whose a token is."""

    urgent: OwnerRightsObject


NO_STORE = {"Cache-Control": "no-store"}


@operation(
    Gives(data=VerifiedObject, urgent=MisClientObject),
    headers=API_KEY_HEADER,
    refuses=(401, 404, 422),
)
async def get_verify(request: web.Request) -> Answer:
    """The token and whose it is. Access tokens only; a refresh-token value is never told."""
    value = request.match_info["value"]
    verified = await _verify(request, value)
    urgent = {"mis_client_id": verified.broker_id}
    data = {**verified_object(verified), "value": value}
    return Answer(data=data, urgent=urgent, headers=NO_STORE)


def verified_object(verified: Verified) -> dict[str, Any]:
    """The token as a gateway is told of it, without its value."""
    data = rendered(verified.token, value=None)
    details: dict[str, Any] = data["details"]
    details.pop("refresh_token", None)
    if verified.client_type is not None:
        details["client_type"] = verified.client_type
    if verified.broker_scope is not None:
        details["broker_scope"] = verified.broker_scope
    data["user"] = {"person_id": verified.person_id}
    return data


@operation(Gives(data=TokenOwnerObject), refuses=(401, 404, 422))
async def get_user(request: web.Request) -> Answer:
    """Whose the token is, with the roles that count for it."""
    outcome = await find_owner(request.app[DEPS], request.match_info["value"])
    if isinstance(outcome, Refused):
        refuse(outcome)
    urgent = {
        "roles": [scope_limits.rendered(role) for role in outcome.roles],
        "global_roles": [scope_limits.rendered(role) for role in outcome.global_roles],
        "token": {"expires_at": int(outcome.token.expires_at.timestamp())},
    }
    data = {**user_object(outcome.user), "urgent": urgent}
    return Answer(data=data, headers=NO_STORE)


async def _verify(request: web.Request, value: str) -> Verified:
    asked = VerifyAsked(value=value, api_key=request.headers.get("api-key"))
    outcome = refused_unseen(asked) or await request.app[VERIFIES].submit(asked)
    result = outcome.reason.name.lower() if isinstance(outcome, Refused) else "verified"
    request.app[METRICS].verifications.labels(result).inc()
    if isinstance(outcome, Refused):
        note(request, outcome=result)
        refuse(outcome)
    note(
        request,
        outcome=result,
        client_id=str(outcome.token.client_id),
        user_id=str(outcome.token.user_id),
    )
    return outcome
