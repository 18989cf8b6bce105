-- What is known of one consent: always one row. $1 user id, $2 client id.
SELECT
  c.id AS client_id, c.name AS client_name, c.is_blocked AS client_is_blocked,
  ct.scope AS client_type_scope,
  (SELECT a.scope FROM apps a WHERE a.user_id = u.id AND a.client_id = c.id) AS approved,
  u.id AS user_id, u.is_blocked AS user_is_blocked,
  ARRAY(SELECT cn.redirect_uri FROM connections cn WHERE cn.client_id = c.id) AS redirect_uris,
  ARRAY(
    SELECT array_to_string(held.scope, ' ') FROM (
      SELECT r.scope, 1 AS place, ur.inserted_at, r.name
      FROM user_roles ur JOIN roles r ON r.id = ur.role_id
      WHERE ur.user_id = u.id AND ur.client_id = c.id
      UNION ALL
      SELECT r.scope, 2, gr.inserted_at, r.name
      FROM global_user_roles gr JOIN roles r ON r.id = gr.role_id
      WHERE gr.user_id = u.id
    ) held ORDER BY held.place, held.inserted_at, held.name
  ) AS role_scopes
FROM (VALUES (true)) AS one
LEFT JOIN users u ON u.id = $1
LEFT JOIN clients c ON c.id = $2
LEFT JOIN client_types ct ON ct.id = c.client_type_id
