"""Make a client type or a role: one transaction."""

from sqlalchemy.exc import IntegrityError

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Clash
from services.mithril_api.domain.scope_limits import Kind, ScopeLimit, changed
from services.mithril_api.store import scope_limits, violations
from shared.runtime import outbox


async def add_scope_limit(
    deps: Deps, kind: Kind, *, name: str, scope: tuple[str, ...]
) -> ScopeLimit | Clash:
    """The new one. Its name is its own: of two with one name, the second is refused."""
    limit = ScopeLimit(id=deps.entropy.uuid(), name=name, scope=scope)
    now = deps.clock.now()
    try:
        async with deps.db.begin() as conn:
            await scope_limits.add(conn, kind, limit, at=now)
            event = changed(kind, limit, "created")
            await outbox.put(conn, message(deps, event, at=now))
    except IntegrityError as error:
        return violations.clash_of(error)
    deps.committed()
    return limit
