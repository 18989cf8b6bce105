"""Answer access questions: decided, recorded, committed, and only then answered (D10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_api.deps import Deps
from services.abac_api.domain import decide as rules
from services.abac_api.domain.attributes import known_patient
from services.abac_api.domain.facts import Facts
from services.abac_api.domain.questions import Question, patient_of
from services.abac_api.domain.verdicts import Decision
from services.abac_api.store import decisions, questions
from shared.events.abac import DecisionMade
from shared.events.envelope import Message
from shared.runtime import logging
from shared.runtime.postgres import DatabaseUnavailableError, is_away

_log = logging.get("decisions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, and the request that it came with."""

    question: Question
    request_id: str
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A decision, and what names its record."""

    decision_id: UUID
    decision: Decision
    policy_version: str


class FactsUnavailableError(Exception):
    """The facts for a batch could not be read, though the database is there."""


async def decide_many(deps: Deps, asked: Sequence[Asked]) -> list[Answered]:
    """Answers in the order asked: facts in one statement, records in another, then the answer.

    Each statement is a transaction of its own: nothing in the first needs to be undone with
    the second, and a lone decision then costs one commit and no round trip to begin and end.
    A batch whose facts cannot be read fails as a whole, to be asked again one by one; a lone
    question of that kind is a refusal, recorded like any other.
    """
    try:
        async with deps.db.autocommit() as conn:
            facts = await _facts_for(conn, asked)
            answers = await _decided(deps, conn, asked, facts)
    except FactsUnavailableError:
        if len(asked) > 1:
            raise
        _log.exception("facts unavailable", request_id=asked[0].request_id)
        async with deps.db.autocommit() as conn:
            answers = await _decided(deps, conn, asked, [None])
    deps.committed()
    return answers


async def _facts_for(conn: AsyncConnection, asked: Sequence[Asked]) -> list[Facts]:
    try:
        return await questions.facts_for(conn, [item.question for item in asked])
    except DatabaseUnavailableError:
        raise
    except Exception as error:
        if is_away(error):
            raise
        raise FactsUnavailableError(type(error).__name__) from error


async def _decided(
    deps: Deps,
    conn: AsyncConnection,
    asked: Sequence[Asked],
    facts: Sequence[Facts | None],
) -> list[Answered]:
    now = (
        deps.clock.now()
    )  # after the facts were read: a right that ended meanwhile has ended
    judged = [(item.question, known) for item, known in zip(asked, facts, strict=True)]
    answers = [
        Answered(
            decision_id=deps.entropy.uuid(),
            decision=decision,
            policy_version=deps.policies.version,
        )
        for decision in rules.decide_many(judged, deps.policies, now=now)
    ]
    await decisions.record(
        conn,
        [
            Message(
                id=answer.decision_id,
                at=now,
                event=recorded(item, known or Facts(), answer, now=now),
                traceparent=item.traceparent,
            )
            for item, known, answer in zip(asked, facts, answers, strict=True)
        ],
    )
    return answers


def recorded(
    asked: Asked, facts: Facts, answer: Answered, *, now: datetime
) -> DecisionMade:
    """The record of a decision."""
    question = asked.question
    return DecisionMade(
        decision_id=answer.decision_id,
        consumer=question.consumer,
        resource=question.resource,
        contexts=question.contexts,
        patient_id=patient_of(question, known_patient(question, facts)),
        result=answer.decision.result,
        rules=answer.decision.rules,
        reason=answer.decision.reason,
        policy_version=answer.policy_version,
        request_id=asked.request_id,
        decided_at=now,
    )
