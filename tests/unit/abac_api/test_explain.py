"""An explanation agrees with the decision, and says what every rule looked at."""

from hypothesis import given, settings

from services.abac_api.domain.explain import explain
from services.abac_api.domain.facts import Facts, ResourceFact
from services.abac_api.domain.questions import Question, asked
from services.abac_api.domain.verdicts import Reason
from shared.models.access import Consumer, Context, Resource
from tests.unit.abac_api.test_decide import IDS, NOON, POLICIES, facts, questions

ME, CLINIC, PATIENT, EPISODE = IDS


@given(questions, facts)
@settings(max_examples=30, deadline=None)  # no test is timed
def test_the_rules_that_apply_are_those_that_permit(
    question: Question, known: Facts
) -> None:
    found = explain(question, known, POLICIES, now=NOON)

    applying = tuple(rule.rule for rule in found.rules if rule.applies)
    if found.decision.reason in {None, Reason.NO_RULE_MATCHED}:
        assert found.decision.rules == applying
    assert (found.contradiction is not None) >= (
        found.decision.reason is Reason.MALFORMED_CONTEXT
    )


def test_a_condition_shows_what_it_looked_at() -> None:
    episode = ResourceFact(
        id=EPISODE, type="episode", patient_id=PATIENT, managing_organization_id=CLINIC
    )
    question = asked(
        Consumer(user_id=ME, client_id=CLINIC),
        Resource(type="observation", action="read"),
        (Context(type="episode", id=EPISODE),),
    )

    found = explain(question, Facts(resources={EPISODE: episode}), POLICIES, now=NOON)

    [rule] = [each for each in found.rules if each.rule == "rule_3"]
    assert rule.applies
    assert [condition.holds for condition in rule.conditions] == [True] * 4
    assert rule.conditions[-1].looked_at == {
        "context.episode.managing_organization": str(CLINIC),
        "context.consumer.legal_entity": str(CLINIC),
    }
    [refused] = [each for each in found.rules if each.rule == "rule_1"]
    assert not refused.applies
    assert refused.conditions[-1].holds is False
