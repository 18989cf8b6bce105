"""Authenticate clients and count their requests: a batch at a time (D9)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api import leases
from services.mithril_api.actions.oauth2.issue_client_tokens import (
    ClientTokenAsked,
    issue_within,
)
from services.mithril_api.actions.oauth2.signing import signer_of
from services.mithril_api.actions.oauth2.writing import KeyMissingError, read_ring
from services.mithril_api.deps import Deps
from services.mithril_api.domain.keys import CONNECTION_SECRET, RATE_LIMIT
from services.mithril_api.domain.limits import Holder, Limit, Purpose
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.oauth2 import client_authentication, quotas
from services.mithril_api.domain.oauth2.client_assertions import Assertion
from services.mithril_api.domain.oauth2.client_authentication import (
    Authenticated,
    Presented,
    Secret,
)
from services.mithril_api.domain.oauth2.faults import (
    ErrorCode,
    Fault,
    invalid_client,
    invalid_dpop_proof,
)
from services.mithril_api.domain.oauth2.quotas import Turn
from services.mithril_api.domain.oauth2.signing_keys import Alg
from services.mithril_api.store import client_facts, limits, presented
from services.mithril_api.store.limits import Share
from shared.models.confirmations import Confirmation
from shared.wire.certificates import Certificate
from shared.wire.dpop import Proof

_UNNOTED = Fault(
    ErrorCode.TEMPORARILY_UNAVAILABLE, "the service is read-only: authenticate by a secret"
)
_SKEW = timedelta(minutes=1)  # by which the clocks of two processes may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAsked:
    """One request of a client.

    `address` is where the request comes from, which counts for public clients alone: anybody
    can use their id.
    """

    by: Presented
    purpose: Purpose | None = None  # none: such requests are not counted
    address: str = ""
    proof: Proof | None = None  # of a key, for what is issued
    certificate: Certificate | None = None  # the same by mutual TLS
    # What to issue at once to a client that is admitted, or why it gets nothing.
    issue: Callable[[Authenticated], ClientTokenAsked | Fault] | None = None

    def serves_once(self) -> Mapping[bytes, datetime]:
        """What of it must not come again, and until when it could."""
        shown = (self.proof, self.by if isinstance(self.by, Assertion) else None)
        return {item.digest(): item.expires_at + _SKEW for item in shown if item}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An authenticated client. `turn` is none where its requests are not counted."""

    client: Authenticated
    turn: Turn | None = None
    issued: Minted | Fault | None = None  # none: nothing was to be issued


Outcome: TypeAlias = Admitted | Fault
Holding: TypeAlias = tuple[str, Limit]  # whose requests are counted, against what


async def authenticate_many(deps: Deps, asked: Sequence[ClientAsked]) -> list[Outcome]:
    """Outcomes in the order asked. Only what was authenticated counts against a client."""
    if any(item.issue is not None for item in asked):
        await read_ring(deps)
    for _ in Alg:  # each can be missing once: then it is made, and everything asked again
        try:
            return await _authenticate_many(deps, asked)
        except KeyMissingError as missing:
            await signer_of(deps, missing.alg)
    return await _authenticate_many(deps, asked)


async def _authenticate_many(deps: Deps, asked: Sequence[ClientAsked]) -> list[Outcome]:
    now = deps.clock.now()
    # Of one client, many requests at once show the same secret: it is looked up once.
    different = list(dict.fromkeys(item.by for item in asked))
    once = any(item.serves_once() for item in asked)
    # In a transaction where something serves once: a batch that fails is asked again, item by
    # item, and none of them must find that it came before.
    async with deps.db.begin() if once else deps.db.read() as conn:
        facts = await client_facts.facts_for(
            conn,
            client_ids=[by.client_id for by in different],
            secrets=[_digests(deps, by) for by in different],
            now=now,
        )
        judged = {
            by: client_authentication.judge(known, by, now=now)
            for known, by in zip(facts, different, strict=True)
        }
        verdicts = [_confirmed(item, judged[item.by]) for item in asked]
        if once:
            verdicts = await _unused(deps, conn, asked, verdicts, now=now)
        turns = await _take_turns(deps, conn, asked, verdicts, now=now)
        admitted = [
            verdict
            if isinstance(verdict, Fault)
            else Admitted(client=verdict, turn=turns.get(place))
            for place, verdict in enumerate(verdicts)
        ]
        for verdict in judged.values():
            if isinstance(verdict, Authenticated) and verdict.connection is not None:
                deps.uses.note(verdict.connection.id, now)
        outcomes = await _with_tokens(deps, conn, asked, admitted)
    if any(isinstance(item, Admitted) and item.issued is not None for item in outcomes):
        deps.committed()  # not before: the relay would look and find nothing
    return outcomes


def _confirmed(asked: ClientAsked, verdict: Authenticated | Fault) -> Authenticated | Fault:
    """The same, with the keys that it proved to hold, and wants tokens to be bound to."""
    if isinstance(verdict, Fault):
        return verdict
    if asked.proof is not None and not asked.proof.is_signed():
        return invalid_dpop_proof("the DPoP proof is not signed by its `jwk`")
    shown = asked.certificate if verdict.metadata.certificate_bound else None
    confirmation = Confirmation(
        jkt=None if asked.proof is None else asked.proof.jkt,
        x5t=None if shown is None else shown.thumbprint,
    )
    return replace(verdict, confirmation=confirmation) if confirmation.is_bound else verdict


async def _unused(
    deps: Deps,
    conn: AsyncConnection,
    asked: Sequence[ClientAsked],
    verdicts: Sequence[Authenticated | Fault],
    *,
    now: datetime,
) -> list[Authenticated | Fault]:
    """The same, without those that bring what came before: once, whoever else asks at once."""
    if deps.settings.read_only:  # nothing can be noted, so nothing that serves once counts
        return [
            _UNNOTED
            if isinstance(verdict, Authenticated) and item.serves_once()
            else verdict
            for item, verdict in zip(asked, verdicts, strict=True)
        ]
    shown: dict[bytes, datetime] = {}
    for item, verdict in zip(asked, verdicts, strict=True):
        if isinstance(verdict, Authenticated):
            shown.update(item.serves_once())
    new = await presented.take(conn, shown, now=now) if shown else set()
    outcomes: list[Authenticated | Fault] = []
    for item, verdict in zip(asked, verdicts, strict=True):
        used = [digest for digest in item.serves_once() if digest not in new]
        if isinstance(verdict, Fault) or not used:
            outcomes.append(verdict)
        elif item.proof is not None and item.proof.digest() in used:
            outcomes.append(invalid_dpop_proof("the DPoP proof was used before"))
        else:
            outcomes.append(invalid_client("the assertion was used before"))
        if isinstance(verdict, Authenticated):
            new.difference_update(item.serves_once())
    return outcomes


async def _with_tokens(
    deps: Deps,
    conn: AsyncConnection,
    asked: Sequence[ClientAsked],
    admitted: Sequence[Outcome],
) -> list[Outcome]:
    """The same, with tokens for those who wanted one at once: in one more statement."""
    wanted: dict[int, ClientTokenAsked] = {}
    issued: dict[int, Minted | Fault] = {}
    for place, (item, outcome) in enumerate(zip(asked, admitted, strict=True)):
        if item.issue is None or isinstance(outcome, Fault):
            continue
        if outcome.turn is None or outcome.turn.passes:
            token = item.issue(outcome.client)
            if isinstance(token, Fault):
                issued[place] = token
            else:
                wanted[place] = token
    if wanted:
        made = await issue_within(deps, conn, list(wanted.values()))
        issued.update(zip(wanted, made, strict=True))
    return [
        replace(outcome, issued=issued[place])
        if place in issued and isinstance(outcome, Admitted)
        else outcome
        for place, outcome in enumerate(admitted)
    ]


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
    turns = {}
    counted = await _count(deps, conn, Counter(named.values()), now=now)
    for place, holder in named.items():
        left, settles_at = counted[holder]
        turns[place] = Turn(limit=holder[1], passes=left > 0, settles_at=settles_at)
        counted[holder] = left - 1, settles_at
    return turns


async def _count(
    deps: Deps, conn: AsyncConnection, many: Mapping[Holding, int], *, now: datetime
) -> dict[Holding, tuple[int, datetime]]:
    """How many of each holder's requests pass, and the moment it is left with."""
    passing = {
        (text, limit): deps.quotas.take(text, limit, count, now=now)
        for (text, limit), count in many.items()
    }
    short = [holder for holder, (covered, _) in passing.items() if covered < many[holder]]
    if not short:
        return passing
    wanted = [
        many[holder] - passing[holder][0] + leases.ahead(holder[1]) for holder in short
    ]
    digest = deps.settings.keyring.digest
    shares = [Share(digest(RATE_LIMIT, text), limit) for text, limit in short]
    taken = await limits.take_turns(conn, list(zip(shares, wanted, strict=True)), now=now)
    for (text, limit), (got, settles_at) in zip(short, taken, strict=True):
        covered = passing[text, limit][0]
        left = max(0, covered + got - many[text, limit])
        deps.quotas.keep(text, limit, left, settles_at=settles_at, now=now)
        passing[text, limit] = covered + got, settles_at - limit.interval * left
    return passing


def _limit(deps: Deps, purpose: Purpose, who: Authenticated) -> Limit | None:
    if deps.settings.read_only:  # then nothing can be counted
        return None
    introspects = purpose is Purpose.INTROSPECTION
    metadata = who.metadata
    quota = metadata.introspection_quota if introspects else metadata.token_quota
    return quotas.limit_of(quota, deps.settings.limit_of(purpose, Holder.CLIENT))


def _holder(asked: ClientAsked, who: Authenticated) -> str:
    at = f" {asked.address}" if who.metadata.is_public else ""
    return f"{asked.purpose} client {who.client_id}{at}"
