-- Identifiers, JSON and lists come as text: one array a column, one statement a batch.
INSERT INTO token_events (
  event_id, at, recorded_at, type, user_id, client_id, data, trace_id, source, source_sequence,
  topic, partition, "offset", chain_sequence, previous_hash, hash
)
SELECT
  r.event_id::uuid, r.at, r.recorded_at, r.type, r.user_id::uuid, r.client_id::uuid,
  r.data::json, r.trace_id, r.source, r.source_sequence, r.topic, r.partition, r."offset",
  r.chain_sequence, r.previous_hash, r.hash
FROM unnest(
  $1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
  $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::integer[], $13::bigint[],
  $14::bigint[], $15::bytea[], $16::bytea[]
) AS r (
  event_id, at, recorded_at, type, user_id, client_id, data, trace_id, source, source_sequence,
  topic, partition, "offset", chain_sequence, previous_hash, hash
)
