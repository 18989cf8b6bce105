"""Change a client type or a role: one transaction."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Clash, Reason, Refused
from services.mithril_api.domain.scope_limits import (
    Kind,
    ScopeLimit,
    ScopeLimitChange,
    changed,
)
from services.mithril_api.store import scope_limits, violations
from shared.runtime import outbox


async def change_scope_limit(
    deps: Deps, kind: Kind, limit_id: UUID, changes: ScopeLimitChange
) -> ScopeLimit | Clash | Refused:
    """What it is afterwards. Refresh and verify heed a narrower scope from now on."""
    now = deps.clock.now()
    try:
        async with deps.db.begin() as conn:
            limit = await scope_limits.change(conn, kind, limit_id, changes, at=now)
            if limit is None:
                return Refused(Reason.NOT_FOUND)
            event = changed(kind, limit, "updated")
            await outbox.put(conn, message(deps, event, at=now))
    except IntegrityError as error:
        return violations.clash_of(error)
    deps.committed()
    return limit
