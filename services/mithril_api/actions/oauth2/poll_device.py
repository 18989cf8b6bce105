"""A device asks whether its user has answered (RFC 8628 §3.4): a transaction, or two."""

from typing import TypeAlias

from services.mithril_api.actions import exchange_code
from services.mithril_api.actions.exchange_code import CodeAsked, Exchanged
from services.mithril_api.deps import Deps
from services.mithril_api.domain import values
from services.mithril_api.domain.oauth2 import devices
from services.mithril_api.domain.oauth2.devices import Polled
from services.mithril_api.domain.oauth2.faults import Fault
from services.mithril_api.domain.oauth2.grant_faults import fault_of
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import device_authorizations

Outcome: TypeAlias = Exchanged | Fault


async def poll(deps: Deps, asked: CodeAsked) -> Outcome:
    """The tokens, once; else whether to ask again. `asked` names no redirect URI.

    A code that no request waits under any more was answered, or never given: which of the
    two, the look-up of a code tells.
    """
    fault = await _waiting(deps, asked)
    if fault is not None:
        return fault
    outcome = await exchange_code.exchange(deps, asked)
    if not isinstance(outcome, Refused):
        return outcome
    ended = outcome.reason is Reason.TOKEN_EXPIRED
    return devices.EXPIRED if ended else fault_of(outcome)


async def _waiting(deps: Deps, asked: CodeAsked) -> Fault | None:
    digest = values.digest_of(asked.code)
    async with deps.db.begin() as conn:
        waiting = await device_authorizations.lock(conn, digest)
        if waiting is None:
            return None
        now = deps.clock.now()  # after the lock
        verdict = devices.judge(waiting, client_id=asked.client_id, now=now)
        if isinstance(verdict, Polled):
            await device_authorizations.note_poll(conn, digest, verdict.kept)
            return verdict.fault
        return verdict
