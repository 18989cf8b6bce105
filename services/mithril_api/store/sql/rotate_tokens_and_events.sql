-- As add_tokens_and_events.sql, and spends tokens in the same round trip: $24 when, $25 and $26
-- ids and expiries of the spent ones, $27 and $28 those of the successor of each.
WITH parents AS MATERIALIZED (
  SELECT t.id
  FROM unnest($22::uuid[], $23::timestamptz[]) AS p (id, expires_at)
  CROSS JOIN LATERAL (
    SELECT t.id FROM tokens t
    WHERE t.id = p.id AND t.expires_at = p.expires_at
      AND t.revoked_at IS NULL AND t.used_at IS NULL
    FOR NO KEY UPDATE
  ) t
), spent AS (
  UPDATE tokens t
  SET used_at = $24::timestamptz, updated_at = $24, successor_id = s.successor_id,
    successor_expires_at = s.successor_expires_at
  FROM unnest($25::uuid[], $26::timestamptz[], $27::uuid[], $28::timestamptz[])
    AS s (id, expires_at, successor_id, successor_expires_at)
  WHERE t.id = s.id AND t.expires_at = s.expires_at
    AND (SELECT count(*) FROM parents) = cardinality($22)
), added AS (
  INSERT INTO tokens
    (id, name, digest, user_id, client_id, app_id, connection_id, family_id, generation,
     scope, grant_type, details, expires_at, inserted_at, updated_at)
  SELECT id, name, digest, user_id, client_id, app_id, connection_id, family_id, generation,
     string_to_array(scope, ' '), grant_type, details, expires_at, inserted_at, inserted_at
  FROM unnest(
    $1::uuid[], $2::text[], $3::bytea[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[],
    $8::uuid[], $9::int[], $10::text[], $11::text[], $12::jsonb[], $13::timestamptz[],
    $14::timestamptz[])
    AS t (id, name, digest, user_id, client_id, app_id, connection_id, family_id, generation,
      scope, grant_type, details, expires_at, inserted_at)
  WHERE (SELECT count(*) FROM parents) = cardinality($22)
)
INSERT INTO outbox
  (id, aggregatetype, aggregateid, type, payload, occurred_at, traceparent)
SELECT * FROM unnest(
  $15::uuid[], $16::text[], $17::text[], $18::text[], $19::json[], $20::timestamptz[],
  $21::text[])
WHERE (SELECT count(*) FROM parents) = cardinality($22)
