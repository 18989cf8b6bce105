"""Laws of deciding, tried on worlds made at random."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.abac_api.domain.alike import form_of, is_blind_to_names
from services.abac_api.domain.attributes import PLACES
from services.abac_api.domain.decide import decide, decide_many, request_of
from services.abac_api.domain.explain import explain
from services.abac_api.domain.facts import (
    Approval,
    Declaration,
    Employee,
    Facts,
    Grant,
    Justification,
    ResourceFact,
)
from services.abac_api.domain.policies import SCHEMA, compiled, parsed_rule
from services.abac_api.domain.questions import Question, asked
from services.abac_api.domain.verdicts import Decision, Reason
from services.abac_api.store.policies import read
from shared.models.access import Action, Consumer, Context, Resource

RULE_FILES = read()
POLICIES = compiled(RULE_FILES)
SCHEMA_TEXT = RULE_FILES[SCHEMA]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
IDS = [UUID(int=number) for number in range(1, 5)]

ids = st.sampled_from(IDS)
maybe_id = st.none() | ids
types = st.sampled_from([*sorted(POLICIES.resource_types), "specimen"])
moments = st.sampled_from([NOON + timedelta(seconds=each) for each in (-1, 0, 1)])
places = st.sampled_from(["patient", *PLACES, "managing_organization", "weather"])

employees = st.builds(
    Employee, id=ids, user_id=ids, legal_entity_id=ids, is_active=st.booleans()
)
declarations = st.builds(
    Declaration,
    id=ids,
    patient_id=ids,
    employee_id=ids,
    legal_entity_id=ids,
    active_from=moments,
    active_to=st.none() | moments,
)
grants = st.builds(Grant, type=st.sampled_from(["patient", "episode", "care_plan"]), id=ids)
approvals = st.builds(
    Approval,
    id=ids,
    patient_id=ids,
    granted_to_employee_id=maybe_id,
    granted_to_legal_entity_id=maybe_id,
    resources=st.lists(grants, max_size=2).map(tuple),
    access_level=st.sampled_from(["read", "write"]),
    status=st.sampled_from(["new", "active", "expired", "terminated"]),
    expires_at=st.none() | moments,
)
justifications = st.builds(
    Justification,
    id=ids,
    user_id=ids,
    patient_id=ids,
    active_from=moments,
    active_to=st.none() | moments,
)
resources = st.builds(
    ResourceFact,
    id=ids,
    type=st.sampled_from(sorted(POLICIES.resource_types)),
    patient_id=ids,
    episode_id=maybe_id,
    managing_organization_id=maybe_id,
    origin_episode_id=maybe_id,
    encounter_id=maybe_id,
)
facts = st.builds(
    Facts,
    patients=st.frozensets(ids, max_size=4),
    employees=st.lists(employees, max_size=3).map(tuple),
    declarations=st.lists(declarations, max_size=3).map(tuple),
    approvals=st.lists(approvals, max_size=3).map(tuple),
    resources=st.lists(resources, max_size=3).map(lambda all_: {r.id: r for r in all_}),
    justifications=st.lists(justifications, max_size=2).map(tuple),
)
questions = st.builds(
    asked,
    st.builds(
        Consumer,
        user_id=ids,
        client_id=ids,
        client_type=st.sampled_from([None, "", "MSP", "CABINET"]),
        person_id=maybe_id,
    ),
    st.builds(Resource, type=types, action=st.sampled_from([*Action, "peek"]), id=maybe_id),
    st.lists(st.builds(Context, type=places, id=ids), max_size=3).map(tuple),
)
asking = st.tuples(questions, st.none() | facts)


@given(st.lists(asking, max_size=12))
@settings(deadline=None)
def test_a_batch_answers_exactly_what_its_items_would_have_one_by_one(
    batch: list[tuple[Question, Facts | None]],
) -> None:
    alone = [decide(question, known, POLICIES, now=NOON) for question, known in batch]

    assert decide_many(batch, POLICIES, now=NOON) == alone


@given(questions, facts, facts)
@settings(max_examples=100, deadline=None)  # no test is timed
def test_what_more_is_known_of_people_and_permissions_never_takes_a_permit_away(
    question: Question, known: Facts, more: Facts
) -> None:
    # Of resources and merged persons it is not true: they may show that a question
    # contradicts itself.
    richer = replace(
        known,
        employees=known.employees + more.employees,
        declarations=known.declarations + more.declarations,
        approvals=known.approvals + more.approvals,
        justifications=known.justifications + more.justifications,
    )

    before = decide(question, known, POLICIES, now=NOON)
    after = decide(question, richer, POLICIES, now=NOON)

    assert set(before.rules) <= set(after.rules)
    assert before.result <= after.result


@given(questions, facts)
@settings(deadline=None)
def test_a_decision_is_a_permit_with_rules_or_a_refusal_with_a_reason(
    question: Question, known: Facts
) -> None:
    decision = decide(question, known, POLICIES, now=NOON)

    assert decision.result == bool(decision.rules)
    assert decision.result == (decision.reason is None)
    assert decision.reason is not Reason.EVALUATION_ERROR
    assert set(decision.rules) <= set(POLICIES.rules)


@given(questions, facts)
@settings(deadline=None)
def test_only_reading_and_writing_are_ever_permitted(
    question: Question, known: Facts
) -> None:
    decision = decide(question, known, POLICIES, now=NOON)

    if decision.result:
        assert question.resource.action in {"read", "write"}
        assert (question.resource.action == "write") == (decision.rules == ("rule_13",))


def test_a_rule_that_fails_leaves_no_permit_beside_it() -> None:
    failing = (
        '@id("rule_30")\nforbid (principal, action, resource)\n'
        "when { context.consumer.user < 3 };"
    )
    files = {**read(), SCHEMA: read()[SCHEMA].replace("user: String", "user: Long")}
    broken = compiled({SCHEMA: files[SCHEMA], "rule_30.cedar": failing, **_permit_all()})
    question = asked(
        Consumer(user_id=IDS[0], client_id=IDS[1]), Resource(type="episode", action="read")
    )

    assert decide(question, Facts(), broken, now=NOON) == Decision(
        result=False, reason=Reason.EVALUATION_ERROR
    )


def _permit_all() -> dict[str, str]:
    return {"rule_1.cedar": '@id("rule_1")\npermit (principal, action, resource);'}


def test_without_facts_it_is_a_refusal_unless_the_type_already_was() -> None:
    consumer = Consumer(user_id=IDS[0], client_id=IDS[1])
    known = asked(consumer, Resource(type="episode", action="read"))
    unknown = asked(consumer, Resource(type="specimen", action="read"))

    assert [
        decide(question, None, POLICIES, now=NOON).reason for question in (known, unknown)
    ] == [Reason.FACTS_UNAVAILABLE, Reason.UNKNOWN_RESOURCE_TYPE]


@pytest.mark.parametrize(
    ("name", "canonical"),
    [("person_id", "patient"), ("episode_of_care", "episode"), ("care_plan", "care_plan")],
)
def test_a_type_has_one_name(name: str, canonical: str) -> None:
    question = asked(
        Consumer(user_id=IDS[0], client_id=IDS[1]),
        Resource(type="episode_of_care", action="read"),
        (Context(type=name, id=IDS[2]),),
    )

    assert question.resource.type == "episode"
    assert question.contexts == (Context(type=canonical, id=IDS[2]),)


@given(questions, facts)
@settings(max_examples=100, deadline=None)  # no test is timed
def test_what_is_cut_away_for_speed_changes_no_answer(
    question: Question, known: Facts
) -> None:
    found = explain(question, known, POLICIES, now=NOON)
    whole = cedarpy.is_authorized(
        request_of(question, found.attributes, found.attributes),
        "\n".join(POLICIES.rules.values()),
        [],
        SCHEMA_TEXT if question.resource.action in list(Action) else None,
    )

    if found.decision.reason in {None, Reason.NO_RULE_MATCHED}:
        names = set(whole.diagnostics.id_annotations_by_reason.values())
        assert (whole.allowed, names) == (found.decision.result, set(found.decision.rules))
        assert whole.diagnostics.errors == []


@given(questions, facts)
@settings(max_examples=100, deadline=None)  # no test is timed
def test_an_answer_known_from_a_question_alike_is_the_answer_of_the_rules(
    question: Question, known: Facts
) -> None:
    fresh = compiled(RULE_FILES)

    first = decide(question, known, fresh, now=NOON)
    again = decide(question, known, fresh, now=NOON)  # from what is known now, if blind

    assert decide(question, known, POLICIES, now=NOON) == first == again


def test_ids_are_numbered_in_order_of_appearance_and_nothing_else_is_touched() -> None:
    one, two = (
        b"0190f1f0-1111-7222-8333-444455556666",
        b"00000000-0000-0000-0000-000000000000",
    )
    zero, first = (b"00000000-0000-0000-0000-%012x" % number for number in range(2))

    assert form_of(b'["%s","MIS",["%s"],"%s"]' % (one, two, one)) == (
        b'["%s","MIS",["%s"],"%s"]' % (zero, first, zero)
    )


@pytest.mark.parametrize(
    ("condition", "blind"),
    [
        ("context.patient.declared_to.containsAny(context.consumer.employees)", True),
        ('context.consumer.client_type != "CABINET"', True),
        ('context.consumer.user == "0190f1f0-1111-7222-8333-444455556666"', False),
        ('context.consumer.user like "01*"', False),
        ("principal has name", False),
    ],
)
def test_rules_that_know_an_id_by_name_are_asked_each_time(
    condition: str, blind: bool
) -> None:
    text = f"permit (principal, action, resource) when {{ {condition} }};"
    [part] = parsed_rule(text)["conditions"]

    assert is_blind_to_names(part["body"]) is blind


def test_all_of_our_rules_are_blind_to_names() -> None:
    assert all(part.is_blind for part in POLICIES.slices.values())
