"""Ask the holder of a second-factor token for a passkey: one transaction."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from services.mithril_api.deps import Deps
from services.mithril_api.domain import passkeys
from services.mithril_api.domain import second_factors as rules
from services.mithril_api.domain.factors import FactorType, choose
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.store import passkeys as store
from services.mithril_api.store import standing, tokens
from shared.models.ids import UserId
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a browser needs to ask the user's authenticator."""

    user_id: UserId
    options: dict[str, Any]


async def passkey_options(deps: Deps, bearer: str) -> Question | Refused:
    """A fresh challenge. It is kept with the token, serves once, and the latest one counts."""
    return await retrying(partial(_ask, deps, bearer))


async def _ask(deps: Deps, bearer: str) -> Question | Refused:
    async with deps.sign_ins, deps.db.begin() as conn:
        known = await standing.hold(conn, bearer)
        now = deps.clock.now()  # after the locks
        pending = rules.judge_pending(known, now=now)
        if isinstance(pending, Refused):
            return pending
        factor = choose(known.factors, kinds={FactorType.WEBAUTHN})
        if isinstance(factor, Refused):
            return factor
        challenge = new_challenge(deps)
        usable = await store.usable_of(conn, pending.user_id)
        noted = rules.challenged(pending, challenge, now=now)
        await tokens.note_details(conn, pending, noted)
        options = passkeys.request_options(
            deps.settings.relying_party(),
            challenge=challenge,
            known=[credential for _, credential in usable],
        )
        return Question(user_id=pending.user_id, options=options)


def new_challenge(deps: Deps) -> bytes:
    """What an authenticator is to sign: nobody could know it before."""
    bits = passkeys.CHALLENGE_BITS
    return deps.entropy.bits(bits).to_bytes(bits // 8)
