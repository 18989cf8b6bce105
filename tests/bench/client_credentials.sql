-- What a token of a client for itself reads and writes, as one transaction of its own: the
-- client by its secret, the token, the event that tells of it.
\set i random(0, :doctors - 1)
BEGIN;
SELECT c.id AS client_id, c.user_id, c.settings, c.is_blocked, u.is_blocked, array_to_string(ct.scope, ' ') AS scopes, cn.id AS connection_id FROM bench b JOIN connection_secrets cs ON cs.digest = b.secret JOIN connections cn ON cn.id = cs.connection_id AND cn.client_id = b.client_id JOIN clients c ON c.id = cn.client_id JOIN client_types ct ON ct.id = c.client_type_id JOIN users u ON u.id = c.user_id WHERE b.name = 'refresh_token' AND b.i = :i \gset
INSERT INTO tokens (id, name, digest, user_id, client_id, connection_id, family_id, generation, scope, grant_type, details, expires_at) SELECT uuidv7(), 'access_token', sha256(uuid_send(gen_random_uuid())), cast(:user_id AS uuid), cast(:client_id AS uuid), cast(:connection_id AS uuid), uuidv7(), 0, string_to_array('episodes', ' '), 'client_credentials', jsonb_build_object(), now() + interval '1 hour';
INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, occurred_at) VALUES (uuidv7(), 'mithril.tokens', cast(:user_id AS text), 'mithril.token.issued.v1', json_build_object('token_id', gen_random_uuid(), 'name', 'access_token', 'user_id', cast(:user_id AS text), 'client_id', cast(:client_id AS text), 'app_id', null, 'family_id', gen_random_uuid(), 'grant_type', 'client_credentials', 'scope', string_to_array('episodes', ' '), 'expires_at', now()), now());
COMMIT;
