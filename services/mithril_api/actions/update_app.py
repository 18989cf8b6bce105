"""Change what a user's consent allows: one transaction."""

from collections.abc import Sequence

from services.mithril_api.actions.create_app import approved
from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import apps
from services.mithril_api.store.apps import NamedApp
from shared.models.ids import AppId, UserId
from shared.runtime import outbox


async def update_app(
    deps: Deps, user_id: UserId, app_id: AppId, *, scope: Sequence[str]
) -> NamedApp | Refused:
    """The consent with its new scope. Refresh narrows to it; access tokens live their hour."""
    now = deps.clock.now()
    async with deps.db.begin() as conn:
        app = await apps.set_scope(conn, app_id, user_id=user_id, scope=scope, now=now)
        if app is None:
            return Refused(Reason.NOT_FOUND)
        await outbox.put(conn, message(deps, approved(app), at=now))
        named = await apps.named_by_id(conn, app_id, user_id=user_id)
    deps.committed()
    assert named is not None  # noqa: S101 — its row is held by this transaction
    return named
