-- Identifiers, JSON and lists come as text: one array a column, one statement a batch.
INSERT INTO decisions (
  event_id, decided_at, recorded_at, decision_id, user_id, client_id, client_type, client_name,
  mis_client_id, person_id, patient_id, resource_type, resource_id, action, contexts, result,
  rules, reason, policy_version, request_id, trace_id, source, source_sequence, topic,
  partition, "offset", chain_sequence, previous_hash, hash
)
SELECT
  r.event_id::uuid, r.decided_at, r.recorded_at, r.decision_id::uuid, r.user_id::uuid,
  r.client_id::uuid, r.client_type, r.client_name, r.mis_client_id::uuid, r.person_id::uuid,
  r.patient_id::uuid, r.resource_type, r.resource_id::uuid, r.action, r.contexts::json,
  r.result, r.rules::text[], r.reason, r.policy_version, r.request_id, r.trace_id, r.source,
  r.source_sequence, r.topic, r.partition, r."offset", r.chain_sequence, r.previous_hash, r.hash
FROM unnest(
  $1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
  $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
  $14::text[], $15::text[], $16::boolean[], $17::text[], $18::text[], $19::text[], $20::text[],
  $21::text[], $22::text[], $23::bigint[], $24::text[], $25::integer[], $26::bigint[],
  $27::bigint[], $28::bytea[], $29::bytea[]
) AS r (
  event_id, decided_at, recorded_at, decision_id, user_id, client_id, client_type, client_name,
  mis_client_id, person_id, patient_id, resource_type, resource_id, action, contexts, result,
  rules, reason, policy_version, request_id, trace_id, source, source_sequence, topic,
  partition, "offset", chain_sequence, previous_hash, hash
)
