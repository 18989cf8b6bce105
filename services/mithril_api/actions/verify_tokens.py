"""Verify access tokens: one statement a batch, a verdict an item."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.mithril_api.deps import Deps
from services.mithril_api.domain import values, verification
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.verification import Verdict
from services.mithril_api.store import verifying


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAsked:
    """A value to verify, and the api-key that came with it."""

    value: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)
    is_introspection: bool = False  # then no broker has to vouch (RFC 7662)


def refused_unseen(asked: VerifyAsked) -> Refused | None:
    """A refusal that needs no database (D5)."""
    if isinstance(values.shape_of(asked.value), values.Forged):
        return Refused(Reason.NOT_FOUND)
    return None


async def verify_many(deps: Deps, asked: Sequence[VerifyAsked]) -> list[Verdict]:
    """Verdicts in the order asked."""
    keyring = deps.settings.keyring
    shapes = [values.shape_of(item.value) for item in asked]
    now = deps.clock.now()
    async with deps.db.read() as conn:
        facts = await verifying.facts_for(
            conn,
            digests=[values.digest_of(item.value) for item in asked],
            days=[
                shape.day if isinstance(shape, values.Ours) else None for shape in shapes
            ],
            api_keys=[
                keyring.digests(CONNECTION_SECRET, item.api_key) if item.api_key else ()
                for item in asked
            ],
            now=now,
        )
    return [
        verification.judge(known, through_broker=not item.is_introspection, now=now)
        for known, item in zip(facts, asked, strict=True)
    ]
