"""Delete a client type or a role: one transaction."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.scope_limits import Kind, changed
from services.mithril_api.store import scope_limits, violations
from shared.runtime import outbox


async def delete_scope_limit(deps: Deps, kind: Kind, limit_id: UUID) -> Refused | None:
    """None: it is gone. A role goes with its grants; a client type stays while clients have it."""
    now = deps.clock.now()
    try:
        async with deps.db.begin() as conn:
            limit = await scope_limits.remove(conn, kind, limit_id)
            if limit is None:
                return Refused(Reason.NOT_FOUND)
            event = changed(kind, limit, "deleted")
            await outbox.put(conn, message(deps, event, at=now))
    except IntegrityError as error:
        violations.expect(error, violations.CLIENT_TYPE_OF_CLIENTS)
        return Refused(Reason.CLIENT_TYPE_IN_USE)
    deps.committed()
    return None
