"""Run logged decisions through a candidate set of rules, beside the rules in force."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from services.abac_api.domain.decide import decide
from services.abac_api.domain.policies import Policies
from services.abac_api.domain.verdicts import Decision
from services.abac_api.store import decisions, questions
from services.abac_api.store.decisions import Logged
from shared.runtime.postgres import Database

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A decision as it was made, and as two sets of rules would make it on today's facts."""

    logged: Logged
    in_force: Decision
    candidate: Decision

    @property
    def differs(self) -> bool:
        """Whether the candidate would answer otherwise than the rules in force."""
        return self.in_force != self.candidate

    @property
    def facts_changed(self) -> bool:
        """Whether the rules in force would not answer today as they did then."""
        return self.in_force.result != self.logged.result


async def replay(
    db: Database,
    *,
    in_force: Policies,
    candidate: Policies,
    since: datetime,
    until: datetime,
) -> AsyncIterator[Replayed]:
    """Logged decisions in order. Nothing is recorded: nobody is answered.

    Rights that had an end are judged at the time of the decision; what the facts were then
    is not kept, so both sets judge the facts of today, which makes the sets comparable.
    """
    after = 0
    while True:
        async with db.read() as conn:
            batch = await decisions.logged(
                conn, since=since, until=until, after=after, limit=_BATCH
            )
            facts = await questions.facts_for(conn, [item.question for item in batch])
        for item, known in zip(batch, facts, strict=True):
            yield Replayed(
                logged=item,
                in_force=decide(item.question, known, in_force, now=item.decided_at),
                candidate=decide(item.question, known, candidate, now=item.decided_at),
            )
        if len(batch) < _BATCH:
            return
        after = batch[-1].position
