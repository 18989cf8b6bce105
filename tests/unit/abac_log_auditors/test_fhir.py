"""A decision as an AuditEvent: valid FHIR, and what BALP `AuthZconsent` demands of one."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from services.abac_log_consumer.domain.entries import Decision, Link
from services.abac_log_consumer.domain.fhir import PROFILE, audit_event

PATIENT, EPISODE, USER, CLINIC, MIS, EVENT = (UUID(int=n) for n in range(1, 7))
PERMIT = Decision(
    id=EVENT,
    decision_id=UUID(int=7),
    decided_at=datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC),
    recorded_at=datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC),
    user_id=USER,
    client_id=CLINIC,
    client_type="MSP",
    client_name="Clinic No 5",
    mis_client_id=MIS,
    person_id=None,
    patient_id=PATIENT,
    resource_type="episode",
    resource_id=EPISODE,
    action="read",
    contexts=[{"type": "patient", "id": str(PATIENT)}],
    result=True,
    rules=["rule_1", "rule_4"],
    reason=None,
    policy_version="abc",
    request_id="request-1",
    trace_id=None,
    source="abac-api",
    sequence=9,
    link=Link(
        topic="abac.decisions",
        partition=0,
        offset=8,
        sequence=9,
        hash=b"\x02",
        previous_hash=b"\x01",
    ),
)
REFUSAL = replace(
    PERMIT, result=False, rules=[], reason="no_rule_matched", client_name=None
)
OF_NO_PATIENT = replace(REFUSAL, patient_id=None, resource_id=None, mis_client_id=None)
OF_BLANK_TEXTS = replace(OF_NO_PATIENT, resource_type=" ", request_id="")


@pytest.mark.parametrize("decision", [PERMIT, REFUSAL, OF_NO_PATIENT, OF_BLANK_TEXTS])
def test_it_is_a_valid_r4_audit_event(decision: Decision) -> None:
    event = audit_event(decision)
    read = AuditEvent.model_validate_json(orjson.dumps(event))
    assert orjson.loads(read.model_dump_json())["id"] == str(EVENT)


@pytest.mark.parametrize("decision", [PERMIT, REFUSAL])
def test_it_has_each_agent_and_entity_of_the_profile_once(decision: Decision) -> None:
    event = audit_event(decision)

    assert event["meta"] == {"profile": [PROFILE]}
    assert event["type"]["code"] == "110113"
    assert [item["code"] for item in event["subtype"]] == ["AuthZ-Consent"]
    assert event["action"] == "E"
    agents = [(a["type"]["coding"][0]["code"], a["requestor"]) for a in event["agent"]]
    assert sorted(agents) == [
        ("110150", False),
        ("IRCP", True),
        ("PROV", False),
        ("authserver", False),
    ]
    authorizer = agent(event, "authserver")
    assert authorizer["who"] == event["source"]["observer"]  # val-audit-source
    assert "network" in agent(event, "110150")
    entities = Counter(item["type"]["code"] for item in event["entity"])
    assert entities.pop("1") == 1
    assert set(entities) == {"Consent"}


def test_a_permit_names_its_rules_and_who_asked_for_whom() -> None:
    event = audit_event(PERMIT)

    assert (event["outcome"], event.get("outcomeDesc")) == ("0", None)
    assert event["recorded"] == "2026-03-01T12:00:00.123Z"
    assert agent(event, "110150")["who"]["identifier"]["value"] == str(MIS)
    assert agent(event, "IRCP")["who"]["identifier"]["value"] == str(USER)
    clinic = agent(event, "PROV")["who"]
    assert (clinic["identifier"]["value"], clinic["display"]) == (
        str(CLINIC),
        "Clinic No 5",
    )
    patient, *consents = event["entity"]
    assert patient["what"]["identifier"]["value"] == str(PATIENT)
    assert [c["what"]["identifier"]["value"] for c in consents] == ["rule_1", "rule_4"]
    details = {item["type"]: item["valueString"] for item in consents[0]["detail"]}
    assert details["resource_id"] == str(EPISODE)
    assert details["context.patient"] == str(PATIENT)


def test_a_refusal_says_why() -> None:
    event = audit_event(REFUSAL)

    assert (event["outcome"], event["outcomeDesc"]) == ("8", "no_rule_matched")
    assert event["entity"][1]["what"]["identifier"]["value"] == "abc"


def test_a_decision_about_no_patient_does_not_claim_the_profile() -> None:
    event = audit_event(OF_NO_PATIENT)

    assert "meta" not in event
    assert event["entity"][0]["what"]["extension"][0]["valueCode"] == "unknown"
    assert agent(event, "110150")["who"]["identifier"]["value"] == str(CLINIC)


def agent(event: dict[str, Any], code: str) -> dict[str, Any]:
    found: dict[str, Any]
    [found] = [a for a in event["agent"] if a["type"]["coding"][0]["code"] == code]
    return found
