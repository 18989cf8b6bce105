-- A month of the log, in the order of time. The indexes are made when the month is attached. Not
-- logged, so that ten million records take minutes: it is read as any other table.
DROP TABLE IF EXISTS {partition};
CREATE UNLOGGED TABLE {partition} (LIKE decisions INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO {partition} (event_id, decided_at, recorded_at, decision_id, user_id, client_id,
  client_type, mis_client_id, patient_id, resource_type, resource_id, action, contexts, result,
  rules, policy_version, request_id, source, source_sequence, topic, partition, "offset",
  chain_sequence, previous_hash, hash)
SELECT gen_random_uuid(), moment, moment, gen_random_uuid(), md5('user' || n % 20000)::uuid,
  md5('entity' || n % 2000)::uuid, 'MIS', md5('mis' || n % 40)::uuid, patient, 'episode',
  episode, 'read', jsonb_build_array(jsonb_build_object('type', 'patient', 'id', patient),
  jsonb_build_object('type', 'episode', 'id', episode)), true, '{{rule_1}}',
  '0123456789abcdef0123456789abcdef', 'bench-' || n, 'abac-api', n + 1, 'abac.decisions', 0, n,
  n + 1, '\x00', sha256(int8send(n))
FROM generate_series({first}::bigint, {last}) n
CROSS JOIN LATERAL (SELECT
  timestamptz '{start}' + (timestamptz '{end}' - timestamptz '{start}')
    * ((n - {first})::float8 / ({last} - {first} + 1)) AS moment,
  md5('patient' || n * 7919 % {patients})::uuid AS patient,
  md5('episode' || n * 7919 % {patients})::uuid AS episode) r;
ALTER TABLE decisions ATTACH PARTITION {partition} FOR VALUES FROM ('{start}') TO ('{end}');
