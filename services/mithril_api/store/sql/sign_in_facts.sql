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
  factor.id AS factor_id,
  factor.factor AS factor_number
FROM (VALUES (true)) AS one
LEFT JOIN clients c ON c.id = $1
LEFT JOIN client_types ct ON ct.id = c.client_type_id
LEFT JOIN users u ON u.email = $2
LEFT JOIN LATERAL (
  SELECT f.id, f.factor FROM authentication_factors f
  WHERE f.user_id = u.id AND f.is_active
  ORDER BY f.type
  LIMIT 1
) factor ON true
