"""Give a user a second factor: one transaction."""

from sqlalchemy.exc import IntegrityError

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.factors import FactorId, FactorType
from services.mithril_api.domain.refusals import Clash, Reason, Refused
from services.mithril_api.store import factors, violations
from services.mithril_api.store.factors import Factor
from shared.events.accounts import FactorChanged
from shared.models.ids import UserId
from shared.runtime import outbox


async def create_factor(
    deps: Deps, user_id: UserId, kind: FactorType, factor: str | None
) -> Factor | Clash | Refused:
    """The new factor. A user has one of a kind, says the database."""
    now = deps.clock.now()
    try:
        async with deps.db.begin() as conn:
            made = await factors.add(
                conn,
                new_id=FactorId(deps.entropy.uuid()),
                user_id=user_id,
                kind=kind,
                factor=factor,
                now=now,
            )
            told = FactorChanged(
                user_id=user_id, factor_id=made.id, factor_type=kind, change="created"
            )
            await outbox.put(conn, message(deps, told, at=now))
    except IntegrityError as error:
        clash = violations.clash_of(error)
        # The user is named by the path, not by a field.
        return Refused(Reason.NOT_FOUND) if clash.field == "user_id" else clash
    deps.committed()
    return made
