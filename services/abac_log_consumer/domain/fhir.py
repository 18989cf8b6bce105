"""A decision as a FHIR R4 `AuditEvent`, in the shape of IHE BALP `AuthZconsent`.

The profile has no place for the resource asked for but beside the consent that was looked at:
each rule that determined a permit (or, of a refusal, the policy set) is such a consent. A
decision about no patient keeps the shape but does not claim the profile, which demands one.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.abac_log_consumer.domain.entries import Decision

PROFILE = (
    "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.AuthZconsent"
)
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_UNKNOWN = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}
_AUTHORIZER = {"identifier": {"system": "urn:mithril:service", "value": "abac-api"}}


def audit_event(decision: Decision) -> dict[str, Any]:
    """The resource, ready for JSON."""
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(decision.id),
        "type": _coding(_DICOM, "110113", "Security Alert"),
        "subtype": [
            _coding(
                "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType",
                "AuthZ-Consent",
                "Authorization Decision using Roles and Consent",
            )
        ],
        "action": "E",
        "recorded": instant(decision.decided_at),
        "outcome": "0" if decision.result else "8",
        "agent": _agents(decision),
        "source": {
            "site": decision.source,
            "observer": _AUTHORIZER,
            "type": [
                _coding(
                    "http://terminology.hl7.org/CodeSystem/security-source-type",
                    "6",
                    "Security Server",
                )
            ],
        },
        "entity": [_patient(decision), *_consents(decision)],
    }
    if decision.reason is not None and not decision.result:
        event["outcomeDesc"] = decision.reason
    if decision.patient_id is not None:
        event["meta"] = {"profile": [PROFILE]}
    return event


def instant(moment: datetime) -> str:
    """A FHIR `instant`, in UTC."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _agents(decision: Decision) -> list[dict[str, Any]]:
    application = decision.mis_client_id or decision.client_id
    organization = _identified("urn:mithril:client", decision.client_id)
    if decision.client_name:
        organization["display"] = decision.client_name
    return [
        {
            "type": _concept(_DICOM, "110150", "Application"),
            "who": _identified("urn:mithril:client", application),
            "requestor": False,
            "network": _UNKNOWN,  # the decision does not know where its question came from
        },
        {
            "type": _concept(
                "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                "IRCP",
                "information recipient",
            ),
            "who": _identified("urn:mithril:user", decision.user_id),
            "requestor": True,
        },
        {
            "type": _concept(
                "http://terminology.hl7.org/CodeSystem/v3-RoleClass",
                "PROV",
                "healthcare provider",
            ),
            "who": organization,
            "requestor": False,
        },
        {
            "type": _concept(
                "http://terminology.hl7.org/CodeSystem/extra-security-role-type",
                "authserver",
                "authorization server",
            ),
            "who": _AUTHORIZER,
            "requestor": False,
        },
    ]


def _patient(decision: Decision) -> dict[str, Any]:
    what: dict[str, Any] = {"type": "Patient"}
    if decision.patient_id is None:
        what |= _UNKNOWN
    else:
        what |= _identified("urn:mithril:person", decision.patient_id)
    return {
        "what": what,
        "type": _coding(
            "http://terminology.hl7.org/CodeSystem/audit-entity-type", "1", "Person"
        ),
        "role": _coding(
            "http://terminology.hl7.org/CodeSystem/object-role", "1", "Patient"
        ),
    }


def _consents(decision: Decision) -> list[dict[str, Any]]:
    details = [
        ("decision_id", decision.decision_id),
        ("request_id", decision.request_id),
        ("resource_type", decision.resource_type),
        ("resource_id", decision.resource_id),
        ("action", decision.action),
        ("policy_version", decision.policy_version),
        *((f"context.{item['type']}", item["id"]) for item in decision.contexts),
    ]
    said = [
        {"type": name, "valueString": str(value)}
        for name, value in details
        if value is not None and str(value).strip()
    ]
    looked_at = [("urn:mithril:abac:rule", rule) for rule in decision.rules] or [
        ("urn:mithril:abac:policies", decision.policy_version)
    ]
    return [
        {
            "what": {"identifier": {"system": system, "value": value}},
            "type": _coding("http://hl7.org/fhir/resource-types", "Consent", "Consent"),
            "detail": said,
        }
        for system, value in looked_at
    ]


def _identified(system: str, value: UUID) -> dict[str, Any]:
    return {"identifier": {"system": system, "value": str(value)}}


def _coding(system: str, code: str, display: str) -> dict[str, Any]:
    return {"system": system, "code": code, "display": display}


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [_coding(system, code, display)]}
