"""Names that the tests of gatekeeper share."""

from uuid import UUID

SERVICE_TOKEN = "service-token-for-tests"
USER, CLIENT, MIS, PERSON, PATIENT, EPISODE = (UUID(int=number) for number in range(1, 7))

RULES = """\
rules:
  - {path: /api/persons, methods: [GET, POST], scopes: ["person:read"]}
  - {path: /api/open, methods: [GET], scopes: []}
  - path: /api/episodes
    methods: [GET]
    scopes: ["episode:read", "episode:list", "episode:write"]
  - path: /api/patients/(?P<patient_id>[^/]+)/episodes/(?P<id>[^/]+)
    methods: [GET]
    scopes: ["episode:read"]
    abac:
      action: read
      resource: episode
      resource_id: path.id
      contexts: [{type: patient, id: path.patient_id}]
  - path: /api/approvals
    methods: [GET]
    scopes: []
    abac: {action: read, resource: approval, resource_id: query.id}
  - {path: /api/dictionaries, methods: [GET], scopes: ["person:read"], api_key: true}
  - {path: /api/secrets, methods: [GET], scopes: ["episode:read"], api_key: true}
  - {path: /api/limited, methods: [GET], scopes: [], limits: {minute: 2}}
"""
