"""PUT, GET and DELETE /facts/{kind}/{id}: what ABAC knows, by hand or from a system without Kafka.

The time of the event is `at` (in the body of a PUT, in the query of a DELETE), or now. What is
older than what is held changes nothing and is told so: 409. The same at the same time again
is 200, so a request may be repeated.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from aiohttp import web

from services.abac_api.actions.keep_facts import keep_facts
from services.abac_api.domain.told import Fact, Kind, Outcome, Told, is_from_the_future
from services.abac_api.fact_bodies import Moment, fact_of
from services.abac_api.handlers.keys import DEPS, METRICS
from services.abac_api.store import facts
from shared.runtime.bodies import read_object
from shared.runtime.http import note
from shared.wire.casting import Body, cast, parse_uuid
from shared.wire.envelope import (
    Answer,
    Invalid,
    Problem,
    conflict,
    not_found,
    validation_failed,
)

_OLDER = "A newer fact is known."


class _Timed(Body):
    at: Moment | None = None


async def put_fact(request: web.Request) -> Answer:
    """Something is so since `at`."""
    kind, body = _kind_of(request), await read_object(request)
    thing = parse_uuid(request.match_info["id"])
    timed, fact = _cast_both(kind, thing, body)
    return Answer(data=rendered(await _keep(request, kind, timed.at, fact)))


async def delete_fact(request: web.Request) -> Answer:
    """Something is so no longer; known or not, an older fact cannot bring it back."""
    kind = _kind_of(request)
    timed = cast(_Timed, dict(request.query))
    await _keep(request, kind, timed.at, None)
    return Answer(data=None, status=204)


async def get_fact(request: web.Request) -> Answer:
    """What is held; 404 where nothing is, or it was withdrawn."""
    kind, thing = _kind_of(request), parse_uuid(request.match_info["id"])
    async with request.app[DEPS].db.read() as conn:
        held = await facts.find(conn, kind, thing)
    if held is None or held.fact is None:
        raise not_found()
    return Answer(data=rendered(held))


def rendered(told: Told) -> dict[str, Any]:
    """A fact as the API shows it."""
    fields = {} if told.fact is None else asdict(told.fact)
    return {"kind": told.kind, "id": told.id, "at": told.at, "fact": fields}


async def _keep(
    request: web.Request, kind: Kind, at: datetime | None, fact: Fact | None
) -> Told:
    deps = request.app[DEPS]
    now = deps.clock.now()
    told = Told(
        kind=kind,
        id=parse_uuid(request.match_info["id"]),
        at=at or now,
        event_id=deps.entropy.uuid(),
        fact=fact,
    )
    note(request, kind=kind.value, fact_id=str(told.id))
    if is_from_the_future(told, now=now):
        text = "must not be in the future"
        raise validation_failed([Invalid(entry="$.at", rule="time", description=text)])
    (outcome,) = await keep_facts(deps.db, [told])
    request.app[METRICS].facts.labels(kind.value, outcome.value).inc()
    if outcome is Outcome.OLDER:
        raise conflict(_OLDER)
    return told


def _cast_both(kind: Kind, thing: Any, body: Mapping[str, Any]) -> tuple[_Timed, Fact]:
    """The time and the fact; or 422 that names the offending fields of both."""
    invalid: list[Any] = []
    timed, fact = None, None
    try:
        timed = cast(_Timed, body)
    except Problem as problem:
        invalid += problem.invalid
    try:
        fact = fact_of(kind, thing, body)
    except Problem as problem:
        invalid += problem.invalid
    if timed is None or fact is None:
        raise validation_failed(invalid)
    return timed, fact


def _kind_of(request: web.Request) -> Kind:
    try:
        return Kind(request.match_info["kind"])
    except ValueError:
        raise not_found() from None
