"""Records for tests, inserted by the set as the database's owner: valid by default."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

_DECISIONS = """
INSERT INTO decisions (
  event_id, decided_at, recorded_at, decision_id, user_id, client_id, client_type,
  client_name, mis_client_id, person_id, patient_id, resource_type, resource_id, action,
  contexts, result, rules, reason, policy_version, request_id, trace_id, source,
  source_sequence, topic, "partition", "offset", chain_sequence, previous_hash, hash)
SELECT
  gen_random_uuid(), $1::timestamptz - n * $2::interval, $1, gen_random_uuid(), v.user_id,
  v.client_id, v.client_type, v.client_name, v.mis_client_id, v.person_id, v.patient_id,
  v.resource_type, v.resource_id, v.action, v.contexts, v.result, v.rules, v.reason,
  v.policy_version, v.request_id, v.trace_id, 'abac-api', $5 + n, 'abac.decisions', 0,
  $5 + n, $5 + n, '\\x01', '\\x02'
FROM jsonb_to_record($4::jsonb) AS v (
  user_id uuid, client_id uuid, client_type text, client_name text, mis_client_id uuid,
  person_id uuid, patient_id uuid, resource_type text, resource_id uuid, action text,
  contexts jsonb, result boolean, rules text[], reason text, policy_version text,
  request_id text, trace_id text), generate_series(1, $3::integer) AS n
RETURNING event_id
"""
_TOKEN_EVENT = """
INSERT INTO token_events (
  event_id, at, recorded_at, type, user_id, client_id, data, source, source_sequence,
  topic, "partition", "offset", chain_sequence, previous_hash, hash)
SELECT gen_random_uuid(), $1::timestamptz - n * interval '1 second', $1, $2, $3, $4,
  $5::json, 'mithril-api', $7 + n, 'mithril.tokens', 0, $7 + n, $7 + n, '\\x01', '\\x02'
FROM generate_series(1, $6::integer) AS n
"""


class Records:
    """The audit database, behind the service's back."""

    def __init__(self, owner: asyncpg.Connection, now: datetime) -> None:
        self.owner = owner
        self.now = now
        self._sequence = 0

    async def decisions(
        self,
        number: int = 1,
        *,
        at: datetime | None = None,
        apart: timedelta = timedelta(seconds=1),
        **but: Any,
    ) -> list[UUID]:
        """Add alike decisions, the newest just before `at`; their ids, newest first."""
        values: dict[str, Any] = {
            "user_id": uuid4(),
            "client_id": uuid4(),
            "client_type": "MSP",
            "client_name": "Clinic",
            "mis_client_id": None,
            "person_id": None,
            "patient_id": uuid4(),
            "resource_type": "episode",
            "resource_id": None,
            "action": "read",
            "contexts": [],
            "result": True,
            "rules": ["rule_1"],
            "reason": None,
            "policy_version": "v1",
            "request_id": "request-1",
            "trace_id": None,
        }
        values.update(but)
        rows = await self.owner.fetch(
            _DECISIONS,
            at or self.now,
            apart,
            number,
            orjson.dumps(values, default=str).decode(),
            self._sequence,
        )
        self._sequence += number
        return [row["event_id"] for row in rows]

    async def token_events(
        self,
        number: int = 1,
        *,
        kind: str = "mithril.token.issued.v1",
        user_id: UUID | None = None,
        client_id: UUID | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Add alike token events, a second apart."""
        await self.owner.execute(
            _TOKEN_EVENT,
            self.now,
            kind,
            user_id,
            client_id,
            orjson.dumps(data or {}).decode(),
            number,
            self._sequence,
        )
        self._sequence += number

    async def partition(self, start: datetime, end: datetime) -> str:
        """Make a month's partition of decisions; its name."""
        name = f"decisions_p{start:%Y%m%d}"
        await self.owner.execute(
            f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF decisions "
            f"FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
        )
        return name
