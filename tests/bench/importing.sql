-- A database of the original with so many live tokens: a fifth as many users, clinics of a hundred.
INSERT INTO client_types VALUES (md5('type')::uuid, 'CLINIC', 'person:read', now(), now());
INSERT INTO roles VALUES (md5('role')::uuid, 'PHYSICIAN', 'person:read', now(), now());
INSERT INTO users (id, email, password, inserted_at, updated_at)
SELECT md5('user' || n)::uuid, 'u' || n || '@clinic.test', '$2b$12$' || rpad(md5(n::text), 53, 'x'),
  now(), now()
FROM generate_series(0, {count} / 5) n;
INSERT INTO clients (id, name, settings, priv_settings, user_id, client_type_id, inserted_at,
  updated_at)
SELECT md5('client' || n)::uuid, 'Clinic ' || n, '{{"allowed_grant_types": ["password"]}}',
  '{{"access_type": "DIRECT"}}', md5('user' || n)::uuid, md5('type')::uuid, now(), now()
FROM generate_series(0, {count} / 500) n;
INSERT INTO connections
SELECT md5('connection' || n)::uuid, md5('secret' || n), 'https://c' || n || '.test/callback',
  md5('client' || n)::uuid, md5('client' || n)::uuid, now(), now()
FROM generate_series(0, {count} / 500) n;
INSERT INTO apps
SELECT md5('app' || n)::uuid, 'person:read', md5('user' || n)::uuid,
  md5('client' || n / 100)::uuid, now(), now()
FROM generate_series(0, {count} / 5) n;
INSERT INTO user_roles
SELECT md5('grant' || n)::uuid, md5('user' || n)::uuid, md5('role')::uuid,
  md5('client' || n / 100)::uuid, now(), now()
FROM generate_series(0, {count} / 5) n;
DROP INDEX tokens_value_name_index, tokens_expires_at_name_index;
INSERT INTO tokens
SELECT md5('token' || n)::uuid,
  CASE n % 5 WHEN 0 THEN 'refresh_token' ELSE 'access_token' END,
  md5('value' || n),
  extract(epoch FROM now())::int + 3600 + (random() * 1200000)::int,
  CASE n % 5 WHEN 0 THEN
    jsonb_build_object('client_id', md5('client' || n / 500)::uuid,
      'grant_type', 'authorization_code', 'scope', '')
  ELSE
    jsonb_build_object('client_id', md5('client' || n / 500)::uuid,
      'grant_type', 'authorization_code', 'redirect_uri', 'https://c' || n / 500 || '.test/callback',
      'refresh_token', md5('value' || n / 5 * 5),
      'scope', 'person:read declaration:read episode:read encounter:write observation:read')
  END,
  md5('user' || n / 5)::uuid, now() - interval '1 day', now() - interval '1 day'
FROM generate_series(0, {count} - 1) n;
CREATE UNIQUE INDEX tokens_value_name_index ON tokens (value, name);
CREATE INDEX tokens_expires_at_name_index ON tokens (expires_at, name);
ANALYZE;
