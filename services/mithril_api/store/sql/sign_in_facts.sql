-- What is known of one attempt to sign in: always one row. $1 client id, $2 the e-mail in
-- lower case, $3 since when failures count.
SELECT
  c.id AS client_id,
  coalesce(c.settings @> '{"allowed_grant_types": ["password"]}', false) AS may_sign_in,
  ct.name AS client_type,
  ct.scope AS client_type_scope,
  u.id AS user_id, u.password_hash, u.password_set_at, u.is_blocked, u.tax_id,
  (SELECT count(*) FROM login_failures f
    WHERE f.user_id = u.id AND f.failed_at > $3) AS recent_failures,
  lock.locked_until AS factors_locked_until,
  factors.active AS factors
FROM (VALUES (true)) AS one
LEFT JOIN clients c ON c.id = $1
LEFT JOIN client_types ct ON ct.id = c.client_type_id
LEFT JOIN users u ON u.email = $2
LEFT JOIN factor_locks lock ON lock.user_id = u.id
LEFT JOIN LATERAL (
  SELECT array_agg(
    ARRAY[f.id::text, f.type, f.factor, f.name, coalesce(f.is_ready, false)::text] ORDER BY f.inserted_at, f.id
  ) AS active
  FROM (
    SELECT id, type, factor, name, inserted_at,
      CASE type WHEN 'TOTP' THEN secret_sealed IS NOT NULL ELSE factor <> '' END
        AS is_ready
    FROM authentication_factors WHERE user_id = u.id AND is_active
    UNION ALL
    SELECT id, 'WEBAUTHN', NULL, name, inserted_at, credential_id IS NOT NULL
    FROM passkeys WHERE user_id = u.id AND is_active
  ) f
) factors ON true
