"""One question: what is known that bears on a batch of access questions?"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_api.domain.facts import Facts
from services.abac_api.domain.questions import Question


async def facts_for(conn: AsyncConnection, questions: Sequence[Question]) -> list[Facts]:
    """Facts of each question, in the order asked: one statement for the whole batch."""
    raise NotImplementedError
