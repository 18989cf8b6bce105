-- What is known of each client that authenticates, a row each in the order asked. $1 client
-- ids; $2 … $5 digests of the secret sent (its two readings, under the present and the former
-- key; none where none came), $6 now.
SELECT
  c.id, c.name, c.settings, c.is_blocked, c.user_id,
  u.is_blocked AS owner_is_blocked,
  array_to_string(ct.scope, ' ') AS type_scope,
  proved.id AS proved_id, proved.redirect_uri AS proved_uri,
  ARRAY(
    SELECT ARRAY[cn.id::text, cn.redirect_uri] FROM connections cn
    WHERE cn.client_id = c.id AND q.secret IS NULL
    ORDER BY cn.consumer_id <> c.id, cn.inserted_at, cn.id
  ) AS connections
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[])
  WITH ORDINALITY AS q (client_id, secret, former_secret, other, former_other, n)
LEFT JOIN clients c ON c.id = q.client_id
LEFT JOIN client_types ct ON ct.id = c.client_type_id
LEFT JOIN users u ON u.id = c.user_id
LEFT JOIN LATERAL (
  SELECT cn.id, cn.redirect_uri
  FROM connection_secrets cs JOIN connections cn ON cn.id = cs.connection_id
  WHERE cs.digest IN (q.secret, q.former_secret, q.other, q.former_other)
    AND cn.client_id = q.client_id
    AND (cs.expires_at IS NULL OR cs.expires_at > $6::timestamptz)
  LIMIT 1
) proved ON q.secret IS NOT NULL
ORDER BY q.n
