"""The look-up of what bears on questions: what it finds, what it leaves out, how it is read."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.abac_api.domain.facts import Facts, Grant
from services.abac_api.domain.questions import Question
from services.abac_api.domain.told import Fact
from services.abac_api.store import facts, questions
from shared.models.access import Consumer, Context, Resource
from shared.runtime.postgres import driver_of
from tests.integration.abac_api.conftest import Api
from tests.integration.abac_api.telling import (
    EARLIER,
    LATER,
    NOON,
    a_declaration,
    a_justification,
    a_merge,
    a_resource,
    an_approval,
    an_employee,
    told,
    withdrawn,
)

USER, CLINIC, PATIENT = uuid4(), uuid4(), uuid4()


def a_question(*contexts: tuple[str, UUID], **but: Any) -> Question:
    values: dict[str, Any] = {
        "consumer": Consumer(user_id=USER, client_id=CLINIC),
        "resource": Resource(type="episode", action="read"),
        "contexts": tuple(Context(type=kind, id=thing) for kind, thing in contexts),
    }
    return Question(**{**values, **but})


def asking_for(kind: str, thing: UUID, *contexts: tuple[str, UUID]) -> Question:
    return a_question(*contexts, resource=Resource(type=kind, action="read", id=thing))


OF_THE_PATIENT = a_question(("patient", PATIENT))


async def know(api: Api, *things: Fact) -> None:
    async with api.deps.db.begin() as conn:
        await facts.upsert_many(conn, [told(fact) for fact in things])


async def ask(api: Api, *asked: Question) -> list[Facts]:
    async with api.deps.db.read() as conn:
        return await questions.facts_for(conn, asked)


async def test_of_nothing_known_there_is_only_the_patient(api: Api) -> None:
    assert await ask(api, OF_THE_PATIENT) == [Facts(patients=frozenset({PATIENT}))]


async def test_a_question_without_a_patient_has_none(api: Api) -> None:
    assert await ask(api, a_question()) == [Facts()]


async def test_the_active_jobs_of_the_user_in_the_legal_entity_of_the_token(
    api: Api,
) -> None:
    job = an_employee(user_id=USER, legal_entity_id=CLINIC)
    ended = an_employee(user_id=USER, legal_entity_id=CLINIC, is_active=False)
    elsewhere = an_employee(user_id=USER)
    of_another = an_employee(legal_entity_id=CLINIC)
    await know(api, job, ended, elsewhere, of_another)

    (found,) = await ask(api, OF_THE_PATIENT)

    assert found.employees == (job,)


async def test_declarations_of_the_patient_in_the_legal_entity(api: Api) -> None:
    chosen = a_declaration(patient_id=PATIENT, legal_entity_id=CLINIC, active_to=LATER)
    elsewhere = a_declaration(patient_id=PATIENT)
    of_another = a_declaration(legal_entity_id=CLINIC)
    await know(api, chosen, elsewhere, of_another)

    (found,) = await ask(api, OF_THE_PATIENT)

    assert found.declarations == (chosen,)


async def test_approvals_to_the_jobs_and_to_the_legal_entity_in_any_status(
    api: Api,
) -> None:
    job = an_employee(user_id=USER, legal_entity_id=CLINIC)
    grants = (Grant(type="patient", id=PATIENT), Grant(type="care_plan", id=uuid4()))
    to_job = an_approval(
        patient_id=PATIENT, granted_to_employee_id=job.id, resources=grants
    )
    to_clinic = an_approval(
        patient_id=PATIENT, granted_to_legal_entity_id=CLINIC, status="expired"
    )
    to_colleague = an_approval(patient_id=PATIENT, granted_to_employee_id=uuid4())
    of_another = an_approval(granted_to_employee_id=job.id)
    await know(api, job, to_job, to_clinic, to_colleague, of_another)

    (found,) = await ask(api, OF_THE_PATIENT)

    assert found.approvals == (to_job, to_clinic)


async def test_justifications_of_the_user_for_the_patient(api: Api) -> None:
    stated = a_justification(user_id=USER, patient_id=PATIENT)
    await know(
        api, stated, a_justification(user_id=USER), a_justification(patient_id=PATIENT)
    )

    (found,) = await ask(api, OF_THE_PATIENT)

    assert found.justifications == (stated,)


async def test_withdrawn_facts_bear_on_nothing(api: Api) -> None:
    job = an_employee(user_id=USER, legal_entity_id=CLINIC)
    other = uuid4()
    known: list[Fact] = [
        job,
        a_declaration(patient_id=PATIENT, legal_entity_id=CLINIC),
        an_approval(patient_id=PATIENT, granted_to_legal_entity_id=CLINIC),
        a_justification(user_id=USER, patient_id=PATIENT),
        a_merge(PATIENT, other),
    ]
    await know(api, *known)
    (before,) = await ask(api, OF_THE_PATIENT)
    assert before.patients == {PATIENT, other}
    assert before.employees and before.declarations  # noqa: PT018 — one premise
    assert before.approvals and before.justifications  # noqa: PT018 — one premise

    async with api.deps.db.begin() as conn:
        await facts.upsert_many(conn, [withdrawn(fact, at=LATER) for fact in known])

    assert await ask(api, OF_THE_PATIENT) == [Facts(patients=frozenset({PATIENT}))]


async def test_a_withdrawn_resource_is_unknown(api: Api) -> None:
    episode = a_resource(patient_id=PATIENT)
    await know(api, episode)
    async with api.deps.db.begin() as conn:
        await facts.withdraw(conn, withdrawn(episode, at=LATER))

    assert await ask(api, asking_for("episode", episode.id)) == [Facts()]


async def test_merged_persons_are_found_over_any_chain_and_both_ways(api: Api) -> None:
    baby, child, adult, sibling = (uuid4() for _ in range(4))
    await know(
        api,
        a_merge(child, baby),
        a_merge(adult, child),
        a_merge(adult, sibling),
        a_merge(sibling, adult),  # a circle, which must not hang
        a_merge(uuid4(), uuid4()),
        chosen := a_declaration(patient_id=adult, legal_entity_id=CLINIC),
    )

    for person in (baby, child, adult, sibling):
        (found,) = await ask(api, a_question(("person", person)))
        assert found.patients == {baby, child, adult, sibling}
        assert found.declarations == (chosen,)


async def test_the_patient_is_known_from_the_resource_asked_for(api: Api) -> None:
    episode = a_resource(patient_id=PATIENT)
    await know(api, episode)

    (found,) = await ask(api, asking_for("episode", episode.id))

    assert found == Facts(patients=frozenset({PATIENT}), resources={episode.id: episode})


async def test_the_patient_is_known_from_the_resource_of_a_context(api: Api) -> None:
    episode = a_resource(patient_id=PATIENT)
    await know(api, episode)

    (found,) = await ask(api, a_question(("episode", episode.id)))

    assert found.patients == {PATIENT}


async def test_a_patient_asked_for_by_id_is_the_patient(api: Api) -> None:
    (found,) = await ask(api, asking_for("patient", PATIENT))

    assert found.patients == {PATIENT}


async def test_what_belongs_to_different_people_has_no_patient(api: Api) -> None:
    episode = a_resource()
    await know(api, episode, a_declaration(patient_id=PATIENT, legal_entity_id=CLINIC))

    for question in (
        asking_for("episode", episode.id, ("patient", PATIENT)),
        a_question(("patient", PATIENT), ("episode", episode.id)),
        a_question(("patient", PATIENT), ("patient", uuid4())),
    ):
        (found,) = await ask(api, question)
        assert found.patients == frozenset()
        assert found.declarations == ()


async def test_what_belongs_to_a_merged_person_belongs_to_the_patient(api: Api) -> None:
    former = uuid4()
    episode = a_resource(patient_id=former)
    await know(api, episode, a_merge(PATIENT, former))

    (found,) = await ask(api, asking_for("episode", episode.id, ("patient", PATIENT)))

    assert found.patients == {PATIENT, former}


async def test_what_a_resource_refers_to_is_found_over_two_hops(api: Api) -> None:
    episode, origin, plan, composition, far = (
        a_resource(patient_id=PATIENT, managing_organization_id=uuid4()) for _ in range(5)
    )
    report = a_resource(
        type="diagnostic_report", patient_id=PATIENT, origin_episode_id=origin.id
    )
    encounter = a_resource(
        type="encounter", patient_id=PATIENT, episode_id=episode.id, care_plan_id=plan.id
    )
    episode = replace(episode, composition_id=far.id)
    asked = a_resource(
        type="observation",
        patient_id=PATIENT,
        encounter_id=encounter.id,
        diagnostic_report_id=report.id,
        composition_id=composition.id,
        requester_legal_entity_id=CLINIC,
    )
    await know(
        api, asked, encounter, report, episode, origin, plan, composition, far, a_resource()
    )

    (found,) = await ask(api, asking_for("observation", asked.id))

    assert found.resources == {
        item.id: item
        for item in (asked, encounter, report, composition, episode, origin, plan)
    }


async def test_a_batch_answers_each_question_as_if_it_were_alone(api: Api) -> None:
    job = an_employee(user_id=USER, legal_entity_id=CLINIC)
    episode = a_resource(patient_id=PATIENT)
    await know(
        api,
        job,
        episode,
        a_declaration(patient_id=PATIENT, legal_entity_id=CLINIC),
        an_approval(patient_id=PATIENT, granted_to_employee_id=job.id),
        a_justification(user_id=USER, patient_id=PATIENT),
        a_merge(PATIENT, uuid4()),
    )
    stranger = Consumer(user_id=uuid4(), client_id=uuid4())
    asked = [
        OF_THE_PATIENT,
        a_question(),
        asking_for("episode", episode.id),
        a_question(("patient", PATIENT), consumer=stranger),
        asking_for("episode", uuid4(), ("patient", uuid4())),
        OF_THE_PATIENT,
    ]

    together = await ask(api, *asked)

    assert together == [(await ask(api, question))[0] for question in asked]
    assert len({repr(found) for found in together}) == 5  # none is everyone's


async def test_times_come_out_as_they_were_told(api: Api) -> None:
    precise = NOON.replace(microsecond=123_456)
    chosen = a_declaration(
        patient_id=PATIENT, legal_entity_id=CLINIC, active_from=EARLIER, active_to=precise
    )
    await know(api, chosen)

    (found,) = await ask(api, OF_THE_PATIENT)

    assert found.declarations == (chosen,)


async def test_no_question_at_all_has_no_facts(api: Api) -> None:
    assert await ask(api) == []


@pytest.mark.parametrize("count", [1, 64])
async def test_a_batch_is_one_statement_that_reads_by_indexes_alone(
    api: Api, count: int
) -> None:
    episode = a_resource(patient_id=PATIENT)
    await know(api, episode, an_employee(user_id=USER, legal_entity_id=CLINIC))
    asked = [asking_for("episode", episode.id, ("patient", PATIENT))] * count
    statements: list[str] = []

    async with api.deps.db.read() as conn:
        driver = driver_of(conn)
        plan = await driver.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {questions.STATEMENT}",
            *questions.arguments(asked),
        )
        with driver.query_logger(lambda record: statements.append(record.query)):
            await questions.facts_for(conn, asked)

    nodes = list(_nodes(plan[0]["Plan"]))
    scans = [node for node in nodes if "Relation Name" in node]
    assert statements == [questions.STATEMENT]
    assert {node["Relation Name"] for node in scans} == {
        *("employees", "declarations", "approvals", "resources"),
        *("merged_persons", "justifications"),
    }
    assert {node["Node Type"] for node in scans} <= {
        "Index Scan",
        "Index Only Scan",
        "Bitmap Heap Scan",
    }


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
