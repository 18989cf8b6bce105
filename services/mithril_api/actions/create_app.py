"""Record a consent that a gateway's user gives without a code: one transaction."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Clash
from services.mithril_api.store import apps, violations
from services.mithril_api.store.apps import App, NamedApp
from shared.events.accounts import AppApproved
from shared.models.ids import AppId, ClientId, UserId
from shared.runtime import outbox


async def create_app(
    deps: Deps, *, user_id: UserId, client_id: ClientId, scope: Sequence[str]
) -> NamedApp | Clash:
    """The new consent. The database says whether there is one already."""
    now = deps.clock.now()
    try:
        async with deps.db.begin() as conn:
            app = await apps.add(
                conn,
                new_id=AppId(deps.entropy.uuid()),
                user_id=user_id,
                client_id=client_id,
                scope=scope,
                now=now,
            )
            await outbox.put(conn, message(deps, approved(app), at=now))
            named = await apps.named_by_id(conn, app.id, user_id=user_id)
    except IntegrityError as error:
        return violations.clash_of(error)
    deps.committed()
    assert named is not None  # noqa: S101 — it was made by this transaction
    return named


def approved(app: App) -> AppApproved:
    """The event that tells of a consent as it is now."""
    return AppApproved(
        user_id=app.user_id, app_id=app.id, client_id=app.client_id, scope=app.scope
    )
