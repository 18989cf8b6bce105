"""Make a token by which clients may register themselves (RFC 7591 §3): one statement."""

from datetime import timedelta

from services.mithril_api.deps import Deps
from services.mithril_api.domain import values
from services.mithril_api.domain.connections import SECRET_BITS, secret_of
from services.mithril_api.store import registrations
from services.mithril_api.store.registrations import InitialToken


async def make(deps: Deps, note: str, *, uses: int, lives: timedelta) -> str:
    """Its value, which is shown once: a digest is kept."""
    value = secret_of(deps.entropy.bits(SECRET_BITS))
    now = deps.clock.now()
    token = InitialToken(
        id=deps.entropy.uuid(),
        note=note,
        uses_left=uses,
        inserted_at=now,
        expires_at=now + lives,
    )
    async with deps.db.begin() as conn:
        await registrations.add_token(conn, token, values.digest_of(value))
    return value
