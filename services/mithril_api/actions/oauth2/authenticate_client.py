"""Authenticate clients and count their requests: a batch at a time (D9)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.deps import Deps
from services.mithril_api.domain.keys import CONNECTION_SECRET, RATE_LIMIT
from services.mithril_api.domain.limits import Holder, Limit, Purpose
from services.mithril_api.domain.oauth2 import client_authentication, quotas
from services.mithril_api.domain.oauth2.client_authentication import (
    Assertion,
    Authenticated,
    Presented,
    Secret,
)
from services.mithril_api.domain.oauth2.faults import Fault
from services.mithril_api.domain.oauth2.quotas import Turn
from services.mithril_api.store import client_facts, limits
from services.mithril_api.store.limits import Share
from shared.models.ids import ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAsked:
    """One request of a client.

    `proved` says that an assertion was verified, and whose it is; `address` is where the
    request comes from, which counts for public clients alone: anybody can use their id.
    """

    by: Presented
    proved: ClientId | None = None
    purpose: Purpose | None = None  # none: such requests are not counted
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An authenticated client. `turn` is none where its requests are not counted."""

    client: Authenticated
    turn: Turn | None = None


Outcome: TypeAlias = Admitted | Fault


async def authenticate_many(deps: Deps, asked: Sequence[ClientAsked]) -> list[Outcome]:
    """Outcomes in the order asked. Only what was authenticated counts against a client."""
    now = deps.clock.now()
    async with deps.db.read() as conn:
        facts = await client_facts.facts_for(
            conn,
            client_ids=[_client_of(item) for item in asked],
            secrets=[_digests(deps, item.by) for item in asked],
            now=now,
        )
        verdicts = [
            client_authentication.judge(known, item.by, proved=item.proved is not None)
            for known, item in zip(facts, asked, strict=True)
        ]
        turns = await _take_turns(deps, conn, asked, verdicts, now=now)
    for verdict in verdicts:
        if isinstance(verdict, Authenticated) and verdict.connection is not None:
            deps.uses.note(verdict.connection.id, now)
    return [
        verdict
        if isinstance(verdict, Fault)
        else Admitted(client=verdict, turn=turns.get(place))
        for place, verdict in enumerate(verdicts)
    ]


_NOBODY = ClientId(UUID(int=0))


def _client_of(asked: ClientAsked) -> ClientId:
    if isinstance(asked.by, Assertion):
        return asked.proved or _NOBODY
    return asked.by.client_id


def _digests(deps: Deps, by: Presented) -> list[bytes]:
    if not isinstance(by, Secret):
        return []
    keyring = deps.settings.keyring
    return [
        digest
        for secret in by.secrets
        for digest in keyring.digests(CONNECTION_SECRET, secret)
    ]


async def _take_turns(
    deps: Deps,
    conn: AsyncConnection,
    asked: Sequence[ClientAsked],
    verdicts: Sequence[Authenticated | Fault],
    *,
    now: datetime,
) -> Mapping[int, Turn]:
    """The turn of each request that is counted, by its place."""
    named: dict[int, tuple[str, Limit]] = {}
    for place, (item, verdict) in enumerate(zip(asked, verdicts, strict=True)):
        if isinstance(verdict, Authenticated) and item.purpose is not None:
            limit = _limit(deps, item.purpose, verdict)
            if limit is not None:
                named[place] = (_holder(item, verdict), limit)
    if not named:
        return {}
    many = Counter(named.values())
    keyring = deps.settings.keyring
    holders = {
        (text, limit): Share(keyring.digest(RATE_LIMIT, text), limit)
        for text, limit in many
    }
    taken = await limits.take_turns(
        conn, [(holders[holder], count) for holder, count in many.items()], now=now
    )
    left = {holder: found[0] for holder, found in zip(many, taken, strict=True)}
    settled = {holder: found[1] for holder, found in zip(many, taken, strict=True)}
    turns = {}
    for place, holder in named.items():
        turns[place] = Turn(
            limit=holder[1], passes=left[holder] > 0, settles_at=settled[holder]
        )
        left[holder] -= 1
    return turns


def _limit(deps: Deps, purpose: Purpose, who: Authenticated) -> Limit | None:
    introspects = purpose is Purpose.INTROSPECTION
    metadata = who.metadata
    quota = metadata.introspection_quota if introspects else metadata.token_quota
    return quotas.limit_of(quota, deps.settings.limit_of(purpose, Holder.CLIENT))


def _holder(asked: ClientAsked, who: Authenticated) -> str:
    at = f" {asked.address}" if who.metadata.is_public else ""
    return f"{asked.purpose} client {who.client_id}{at}"
