"""Explain how a question would be decided now. Nothing is recorded: nobody is answered."""

from datetime import datetime

from services.abac_api.domain.explain import Explanation, explain
from services.abac_api.domain.policies import Policies
from services.abac_api.domain.questions import Question
from services.abac_api.store import questions
from shared.runtime.postgres import Database


async def explain_decision(
    db: Database, question: Question, policies: Policies, *, now: datetime
) -> Explanation:
    """Every rule, what it looked at, and why it did or did not apply."""
    async with db.read() as conn:
        [facts] = await questions.facts_for(conn, [question])
    return explain(question, facts, policies, now=now)
