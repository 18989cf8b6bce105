-- What is known of each access token to verify, a row each in the order asked. $1 digests,
-- $2 the day each value names, $3 and $4 digests of the api-key sent (present and former key),
-- $5 now. LATERAL: see refresh_facts.sql.
SELECT
  q.n,
  t.id, t.name, t.digest, t.user_id, t.client_id, t.app_id, t.connection_id,
  t.family_id, t.generation, t.scope, t.grant_type, t.details, t.expires_at, t.revoked_at,
  t.used_at, t.successor_id, t.successor_expires_at, t.inserted_at,
  u.id AS known_user_id, u.is_blocked AS user_is_blocked, u.person_id,
  c.id AS known_client_id, c.is_blocked AS client_is_blocked,
  c.priv_settings ->> 'access_type' AS access_type,
  ct.name AS client_type,
  broker.id AS broker_id, broker.broker_scope
FROM unnest($1::bytea[], $2::timestamptz[], $3::bytea[], $4::bytea[])
  WITH ORDINALITY AS q (digest, day, api_key, former_api_key, n)
LEFT JOIN token_expiries e ON e.digest = q.digest AND e.name = 'access_token'
LEFT JOIN LATERAL (
  SELECT * FROM tokens t
  WHERE t.digest = q.digest AND t.name = 'access_token'
    AND t.expires_at >= coalesce(e.expires_at, q.day)
    AND t.expires_at
      < coalesce(e.expires_at + interval '1 microsecond', q.day + interval '1 day')
  LIMIT 1
) t ON true
LEFT JOIN users u ON u.id = t.user_id
LEFT JOIN clients c ON c.id = t.client_id
LEFT JOIN client_types ct ON ct.id = c.client_type_id
LEFT JOIN LATERAL (
  SELECT b.id, b.priv_settings ->> 'broker_scope' AS broker_scope
  FROM connection_secrets cs
  JOIN connections cn ON cn.id = cs.connection_id
  JOIN clients b ON b.id = cn.client_id
  WHERE cs.digest IN (q.api_key, q.former_api_key)
    AND (cs.expires_at IS NULL OR cs.expires_at > $5::timestamptz)
  LIMIT 1
) broker ON q.api_key IS NOT NULL
ORDER BY q.n
