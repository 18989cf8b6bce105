"""Whether one more request may pass its limits: one statement, on its own."""

from dataclasses import dataclass, field

from services.mithril_api.deps import Deps
from services.mithril_api.domain.keys import RATE_LIMIT
from services.mithril_api.domain.limits import Exceeded, Holder, Purpose, retry_after
from services.mithril_api.store import limits
from services.mithril_api.store.limits import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAsked:
    """One request: what it is for, and whose it is as far as is known."""

    purpose: Purpose
    address: str | None = None
    client: str | None = None
    user: str | None = field(default=None, repr=False)  # an e-mail, or a bearer credential


async def take_turn(deps: Deps, asked: TurnAsked) -> Exceeded | None:
    """None: it passes, and is counted. However many at once, no more pass than may."""
    shares = _shares(deps, asked)
    if not shares:
        return None
    now = deps.clock.now()
    async with deps.sign_ins, deps.db.read() as conn:
        holder = await limits.take_turn(conn, shares, now=now)
        if holder is None:
            return None
        share = shares[holder]
        moment = await limits.settles_at(conn, share.key)
    return Exceeded(holder=holder, retry_after=retry_after(moment, share.limit, now=now))


def _shares(deps: Deps, asked: TurnAsked) -> dict[Holder, Share]:
    names = {
        Holder.ADDRESS: asked.address,
        Holder.CLIENT: asked.client,
        Holder.USER: asked.user,
    }
    shares = {}
    for holder, name in names.items():
        limit = deps.settings.limit_of(asked.purpose, holder)
        if name is not None and limit is not None:
            text = f"{asked.purpose} {holder} {name}"
            shares[holder] = Share(deps.settings.keyring.digest(RATE_LIMIT, text), limit)
    return shares
