-- What is known of each refresh request of a batch: one row each, in the order asked.
--
-- $1 client ids, $2 and $3 digests of the secret sent (under the present and the former key),
-- $4 digests of the refresh token, $5 the day its value names (none: made elsewhere, then
-- token_expiries knows), $6 now, $7 the connection of a client that has proved otherwise who it
-- is: then no secret is looked at.
--
-- LATERAL keeps the plan a nested loop, so each token look-up prunes to the one partition that
-- its expiry names. The rows of tokens are locked until the transaction ends, in the order of
-- $4, which the caller sorts: a rotation happens once, and a revocation under way is waited for.
SELECT
  q.n,
  coalesce(q.connection_id, connection.connection_id) AS asking_connection_id,
  t.id, t.name, t.digest, t.user_id, t.client_id, t.app_id, t.connection_id,
  t.family_id, t.generation, t.scope, t.grant_type, t.details, t.expires_at, t.revoked_at,
  t.used_at, t.successor_id, t.successor_expires_at, t.inserted_at,
  u.is_blocked AS user_is_blocked,
  c.is_blocked AS client_is_blocked,
  c.settings ->> 'refresh_token_policy' AS policy,
  a.id AS approval_id,
  a.scope AS approval_scope,
  array_to_string(ct.scope, ' ') AS client_type_scope,
  ARRAY(
    SELECT array_to_string(r.scope, ' ')
    FROM user_roles ur JOIN roles r ON r.id = ur.role_id
    WHERE ur.user_id = t.user_id AND ur.client_id = t.client_id
    UNION ALL
    SELECT array_to_string(r.scope, ' ')
    FROM global_user_roles gr JOIN roles r ON r.id = gr.role_id
    WHERE gr.user_id = t.user_id
  ) AS role_scopes
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::timestamptz[], $7::uuid[])
  WITH ORDINALITY AS q (client_id, secret, former_secret, digest, day, connection_id, n)
LEFT JOIN LATERAL (
  SELECT cs.connection_id
  FROM connection_secrets cs JOIN connections cn ON cn.id = cs.connection_id
  WHERE cs.digest IN (q.secret, q.former_secret) AND cn.client_id = q.client_id
    AND (cs.expires_at IS NULL OR cs.expires_at > $6::timestamptz)
  LIMIT 1
) connection ON q.connection_id IS NULL
LEFT JOIN token_expiries e ON e.digest = q.digest AND e.name = 'refresh_token'
LEFT JOIN LATERAL (
  SELECT * FROM tokens t
  WHERE t.digest = q.digest AND t.name = 'refresh_token'
    AND t.expires_at >= coalesce(e.expires_at, q.day)
    AND t.expires_at
      < coalesce(e.expires_at + interval '1 microsecond', q.day + interval '1 day')
  LIMIT 1
  FOR NO KEY UPDATE
) t ON coalesce(q.connection_id, connection.connection_id) IS NOT NULL
LEFT JOIN users u ON u.id = t.user_id
LEFT JOIN clients c ON c.id = q.client_id
LEFT JOIN client_types ct ON ct.id = c.client_type_id
LEFT JOIN apps a ON a.user_id = t.user_id AND a.client_id = q.client_id
ORDER BY q.n
