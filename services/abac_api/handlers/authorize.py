"""POST /api/authorize and its alias POST /api/abac/authorize (spec §9.3)."""

from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import Field

from services.abac_api.actions.decide import Answered, Asked
from services.abac_api.domain.questions import Question, asked
from services.abac_api.handlers.keys import DECISIONS, METRICS
from shared.models.access import Action, Consumer, Context, Resource
from shared.runtime import tracing
from shared.runtime.bodies import read_object
from shared.runtime.http import META, note
from shared.runtime.postgres import DatabaseUnavailableError
from shared.wire import envelope
from shared.wire.casting import Body, Id, Text, cast
from shared.wire.envelope import Answer, Invalid, Problem

_MOST_CONTEXTS = 32
Name = Annotated[Text, Field(min_length=1)]


class _ConsumerBody(Body):
    user_id: Id
    client_id: Id
    client_type: Text | None = None
    mis_client_id: Id | None = None
    person_id: Id | None = None


class _ResourceBody(Body):
    type: Name
    action: Annotated[Action, Field(strict=False)]
    id: Id | None = None


class _ContextBody(Body):
    type: Name
    id: Id


class AuthorizeBody(Body):
    """The documented body; `contexts` may be left out, as in the service of 2019."""

    consumer: _ConsumerBody
    resource: _ResourceBody
    contexts: Annotated[list[_ContextBody], Field(max_length=_MOST_CONTEXTS)] = Field(
        default_factory=list
    )


_ROOT = frozenset(AuthorizeBody.model_fields)
_CONSUMER = frozenset(_ConsumerBody.model_fields)


async def post_authorize(request: web.Request) -> Answer | web.Response:
    """The decision; 422 names every offending field, 503 is a refusal too."""
    question = question_of(await read_object(request))
    try:
        answer = await decided(request, question)
    except DatabaseUnavailableError as error:
        note(request, unavailable=str(error))
        return _unavailable(request)
    data = {
        "result": answer.decision.result,
        "decision": answer.decision.result,
        "rules": list(answer.decision.rules),
        "policy_version": answer.policy_version,
        "decision_id": answer.decision_id,
    }
    if answer.decision.reason is not None:
        data["reason"] = answer.decision.reason
    return Answer(data=data)


async def decided(request: web.Request, question: Question) -> Answered:
    """The recorded answer to a question of a request."""
    item = Asked(
        question=question,
        request_id=request[META].request_id,
        traceparent=tracing.current.get(),
    )
    try:
        answer = await request.app[DECISIONS].submit(item)
    except DatabaseUnavailableError:
        request.app[METRICS].unrecorded.inc()
        raise
    note(request, decision_id=str(answer.decision_id), result=answer.decision.result)
    return answer


def question_of(value: dict[str, Any]) -> Question:
    """The question of a body, or a problem that names every offending field."""
    invalid = [*_strangers(value), *_empty_id(value)]
    try:
        body = cast(AuthorizeBody, value)
    except Problem as problem:
        raise envelope.validation_failed([*problem.invalid, *invalid]) from None  # type: ignore[list-item]  # of one kind, by `cast`
    if invalid:
        raise envelope.validation_failed(invalid)
    consumer = body.consumer
    return asked(
        Consumer(
            user_id=consumer.user_id,
            client_id=consumer.client_id,
            client_type=consumer.client_type,
            mis_client_id=consumer.mis_client_id,
            person_id=consumer.person_id,
        ),
        Resource(
            type=body.resource.type, action=body.resource.action.value, id=body.resource.id
        ),
        tuple(Context(type=item.type, id=item.id) for item in body.contexts),
    )


def _strangers(value: dict[str, Any]) -> list[Invalid]:
    """Fields that the schema does not allow, in the root and in the consumer."""
    consumer = value.get("consumer")
    found = [f"$.{name}" for name in value if name not in _ROOT]
    if isinstance(consumer, dict):
        found += [f"$.consumer.{name}" for name in consumer if name not in _CONSUMER]
    text = "schema does not allow additional properties"
    return [Invalid(entry=path, rule="schema", description=text) for path in found]


def _empty_id(value: dict[str, Any]) -> list[Invalid]:
    """A null id is no id: what it means (one record, or all?) is not for us to guess."""
    resource = value.get("resource")
    if not isinstance(resource, dict) or "id" not in resource:
        return []
    if resource["id"] is not None:
        return []
    return [
        Invalid(
            entry="$.resource.id", rule="cast", params=("uuid",), description="is invalid"
        )
    ]


def _unavailable(request: web.Request) -> web.Response:
    """503 that reads as a refusal to a caller who looks at the body alone."""
    problem = envelope.unavailable()
    body = {
        "meta": request[META].rendered(problem.status),
        "error": problem.rendered(),
        "data": {"result": False, "decision": False},
        "decision": False,
    }
    return web.Response(
        body=orjson.dumps(body),
        status=problem.status,
        headers={**problem.headers, "Content-Type": envelope.JSON},
    )
