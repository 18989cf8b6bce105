"""End the session of an access token, and with it what it can be refreshed by."""

from services.mithril_api.actions.minting import message
from services.mithril_api.actions.oauth2.owe_logouts import owe_logouts
from services.mithril_api.deps import Deps
from services.mithril_api.domain import bearers
from services.mithril_api.domain.oauth2 import openid
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.store import tokens
from shared.events.tokens import TokensRevoked
from shared.models.tokens import TokenName
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def log_out(deps: Deps, value: str) -> Token | Refused:
    """The token whose session is over; a session ends once."""
    outcome = await retrying(lambda: _log_out(deps, value))
    deps.committed()
    deps.session_over()
    return outcome


async def _log_out(deps: Deps, value: str) -> Token | Refused:
    async with deps.db.begin() as conn:
        token = await tokens.lock_presented(conn, value, preferred=TokenName.ACCESS)
        now = deps.clock.now()  # after the lock
        verdict = bearers.judge(token, wanted=TokenName.ACCESS, now=now)
        if isinstance(verdict, Refused):
            return verdict
        if bearers.is_session(verdict):
            sid = openid.sid_of(verdict)
            await owe_logouts(deps, conn, verdict.user_id, sid=sid, now=now)
        chosen = tokens.of_family(verdict.user_id, verdict.family_id)
        count = await tokens.revoke(conn, chosen, at=now)
        revoked = TokensRevoked(
            selector="family",
            reason="logout",
            user_id=verdict.user_id,
            client_id=verdict.client_id,
            family_id=verdict.family_id,
            count=count,
        )
        await outbox.put(conn, message(deps, revoked, at=now))
        return verdict
