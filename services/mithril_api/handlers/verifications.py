"""POST /admin/tokens/verify: what many requests at a gateway ask at once (decision D9).

Each token has the status, data or error that `GET /admin/tokens/{value}/verify` would have
given, in the order asked; the values themselves are not repeated.
"""

from typing import Annotated, Any, NotRequired

from aiohttp import web
from pydantic import Field
from typing_extensions import TypedDict

from services.mithril_api.actions.verify_tokens import VerifyAsked, verify_many
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.domain.verification import Verdict
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.problems import refuse
from services.mithril_api.handlers.verification import (
    NO_STORE,
    MisClientObject,
    VerifiedObject,
    verified_object,
)
from shared.runtime.bodies import read_object
from shared.runtime.http import note
from shared.wire.casting import Body, LongText, cast
from shared.wire.envelope import Answer, Problem
from shared.wire.operations import Gives, Takes, operation

MOST = 64


class _TokenBody(Body):
    value: LongText
    api_key: LongText | None = None


class TokensBody(Body):
    """The tokens to verify."""

    tokens: Annotated[list[_TokenBody], Field(min_length=1, max_length=MOST)]


class VerdictObject(TypedDict):
    """What `GET /admin/tokens/{value}/verify` would have answered."""

    status: int
    data: NotRequired[VerifiedObject]
    urgent: NotRequired[MisClientObject]
    error: NotRequired[dict[str, Any]]


@operation(Gives(data=VerdictObject, many=True), takes=Takes(models=(TokensBody,)))
async def post_verify(request: web.Request) -> Answer:
    """A verdict for each token."""
    form = cast(TokensBody, await read_object(request))
    asked = [VerifyAsked(value=item.value, api_key=item.api_key) for item in form.tokens]
    verdicts = await verify_many(request.app[DEPS], asked)
    note(request, tokens=len(asked))
    for verdict in verdicts:
        result = "verified"
        if isinstance(verdict, Refused):
            result = verdict.reason.name.lower()
        request.app[METRICS].verifications.labels(result).inc()
    return Answer(data=[_rendered(verdict) for verdict in verdicts], headers=NO_STORE)


def _rendered(verdict: Verdict) -> dict[str, Any]:
    if not isinstance(verdict, Refused):
        urgent = {"mis_client_id": verdict.broker_id}
        return {"status": 200, "data": verified_object(verdict), "urgent": urgent}
    try:
        refuse(verdict)
    except Problem as problem:
        return {"status": problem.status, "error": problem.rendered()}
