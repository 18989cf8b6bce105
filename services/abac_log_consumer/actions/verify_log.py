"""Verify the log: compute every chain again and hold it against the signed checkpoints."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from services.abac_log_consumer.domain.archives import is_proven, runs_of
from services.abac_log_consumer.domain.chain import chain_id
from services.abac_log_consumer.domain.verification import (
    Finding,
    Run,
    Signed,
    Walk,
    forged,
)
from services.abac_log_consumer.store.recording import Place
from services.abac_log_consumer.store.verifying import Head, Snapshot

_ALWAYS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was looked at, and the first thing wrong of each chain."""

    records: int
    chains: int
    checkpoints: int
    findings: Sequence[Finding]


async def verify_log(
    snapshot: Snapshot,
    *,
    keys: Mapping[str, bytes],
    kept: Sequence[Signed] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Report:
    """Verify all chains, or what they recorded in a period.

    `kept` are checkpoints that were kept elsewhere: they convict even someone who could write
    everything in the database. Of a period, the records between the first and the last one of
    it are verified, and that they are whole; not what went before.
    """
    stored = await snapshot.checkpoints()
    findings = forged([*kept, *stored], keys=keys)
    signed: dict[str, list[Signed]] = defaultdict(list)
    for item in [*stored, *kept]:  # what was kept elsewhere has the last word
        signed[item.chain].append(item)
    heads = {chain_id(*head.place): head for head in await snapshot.heads()}
    findings += [_gone(chain) for chain in sorted(signed.keys() - heads.keys())]
    proofs = await snapshot.proofs()
    proven = [proof for proof in proofs if is_proven(proof, keys=keys)]
    findings += [_unproven(proof) for proof in proofs if proof not in proven]
    runs = runs_of(proven)
    period = (since or _ALWAYS[0], until or _ALWAYS[1])
    look = _whole if period == _ALWAYS else partial(_period, period=period)
    walked = await asyncio.gather(
        *(
            look(snapshot, head, signed[chain], runs.get(chain, []))
            for chain, head in heads.items()
        )
    )
    findings += [found for found, _ in walked if found]
    return Report(
        records=sum(walk.records for _, walk in walked),
        chains=len(heads),
        checkpoints=len(stored) + len(kept),
        findings=findings,
    )


def _gone(chain: str) -> Finding:
    text = "nothing of this chain is there"
    return Finding(chain=chain, sequence=1, kind="missing", text=text)


def _unproven(proof: Mapping[str, Any]) -> Finding:
    text = f"archive {proof['name']} has no valid signature"
    return Finding(chain=str(proof["name"]), sequence=0, kind="forged-archive", text=text)


async def _whole(
    snapshot: Snapshot, head: Head, signed: Sequence[Signed], runs: Sequence[Run]
) -> tuple[Finding | None, Walk]:
    walk = Walk(chain_id(*head.place), checkpoints=signed, runs=runs)
    found = await _along(snapshot, walk, head.place, first=0, last=2**62)
    return found or walk.end(sequence=head.sequence, head=head.hash), walk


async def _period(
    snapshot: Snapshot,
    head: Head,
    signed: Sequence[Signed],
    runs: Sequence[Run],
    *,
    period: tuple[datetime, datetime],
) -> tuple[Finding | None, Walk]:
    chain = chain_id(*head.place)
    span = await snapshot.span(head.place, since=period[0], until=period[1])
    if span is None:
        return None, Walk(chain, checkpoints=(), runs=())
    first, last = span
    before = await snapshot.hash_before(head.place, first)
    walk = Walk(chain, checkpoints=signed, runs=runs, first=first, head=before)
    return await _along(snapshot, walk, head.place, first=first, last=last), walk


async def _along(
    snapshot: Snapshot, walk: Walk, place: Place, *, first: int, last: int
) -> Finding | None:
    async with aclosing(snapshot.links(place, first=first, last=last)) as batches:
        async for links in batches:
            for link in links:
                if (found := walk.step(link)) is not None:
                    return found
    return None
