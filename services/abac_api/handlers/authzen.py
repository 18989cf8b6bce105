"""OpenID AuthZEN Authorization API 1.0: one evaluation, many, and where they are."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from services.abac_api.actions.decide import Answered
from services.abac_api.handlers.authorize import decided
from services.abac_api.handlers.authzen_bodies import (
    ITEM_KEYS,
    MalformedError,
    Semantic,
    batch_of,
    question_of,
)
from shared.runtime import logging
from shared.runtime.bodies import read_object
from shared.runtime.http import META, Handler, note
from shared.runtime.postgres import DatabaseUnavailableError
from shared.wire.envelope import Problem

_log = logging.get("authzen")


def authzen(handler: Handler) -> Handler:
    """Answer problems in the shape of AuthZEN; none of them reads as a permit."""

    async def wrapped(request: web.Request) -> Any:
        try:
            return await handler(request)
        except MalformedError as error:
            return _error(400, str(error))
        except Problem as problem:
            headers = dict(problem.headers)
            if problem.status == 401:
                headers["WWW-Authenticate"] = "Bearer"
            return _error(problem.status, problem.message or problem.kind or "", headers)
        except DatabaseUnavailableError as error:
            note(request, unavailable=str(error))
            text = "the decision could not be recorded"
            return _error(503, text, {"Retry-After": "1"})

    wrapped.__name__ = getattr(handler, "__name__", "handler")
    return wrapped


async def post_evaluation(request: web.Request) -> web.Response:
    """One decision (§6)."""
    answer = await decided(request, question_of(await read_object(request)))
    return _json(rendered(answer))


async def post_evaluations(request: web.Request) -> web.Response:
    """Many decisions, as many as the semantic wants (§7); without items, one decision."""
    body = await read_object(request)
    items, semantic = batch_of(body)
    if not items:
        return _json(rendered(await decided(request, question_of(body))))
    defaults = {key: body[key] for key in ITEM_KEYS if key in body}
    merged = [{**defaults, **item} for item in items]
    if semantic is Semantic.EXECUTE_ALL:
        answers = await _all_of(request, merged)
    else:
        stop = semantic is Semantic.PERMIT_ON_FIRST_PERMIT
        answers = await _until(request, merged, stop=stop)
    return _json({"evaluations": answers})


async def get_configuration(request: web.Request) -> web.Response:
    """Where the endpoints are (§9); searches are not offered, so not named."""
    base = request[META].url.removesuffix("/.well-known/authzen-configuration")
    return _json(
        {
            "policy_decision_point": base,
            "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
        }
    )


def rendered(answer: Answered) -> dict[str, Any]:
    """A decision, and in its context what names and explains it."""
    context: dict[str, Any] = {
        "rules": list(answer.decision.rules),
        "policy_version": answer.policy_version,
        "decision_id": answer.decision_id,
    }
    if answer.decision.reason is not None:
        context["reason"] = answer.decision.reason
    return {"decision": answer.decision.result, "context": context}


async def _all_of(
    request: web.Request, items: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    outcomes = await asyncio.gather(
        *(_one_of(request, item) for item in items), return_exceptions=True
    )
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


async def _until(
    request: web.Request, items: Sequence[Mapping[str, Any]], *, stop: bool
) -> list[dict[str, Any]]:
    """One after the other, up to the first whose decision is `stop`: no other is made."""
    answers = []
    for item in items:
        answer = await _one_of(request, item)
        answers.append(answer)
        if answer["decision"] is stop:
            break
    return answers


async def _one_of(request: web.Request, item: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to an item; one that is wrong is refused alone (§7.2.1)."""
    try:
        return rendered(await decided(request, question_of(item)))
    except MalformedError as error:
        return {"decision": False, "context": _error_of(400, str(error))}
    except DatabaseUnavailableError:
        raise
    except Exception:  # noqa: BLE001 — whatever broke one item, the others have their answer
        _log.exception("unexpected error", request_id=request[META].request_id)
        return {"decision": False, "context": _error_of(500, "internal error")}


def _error_of(status: int, message: str) -> dict[str, Any]:
    return {"error": {"status": status, "message": message}}


def _error(
    status: int, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    body = {"decision": False, "context": _error_of(status, message)}
    return _json(body, status=status, headers=headers)


def _json(
    body: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=orjson.dumps(body, default=str),
        status=status,
        content_type="application/json",
        headers=headers,
    )
