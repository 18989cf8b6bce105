-- One look-up of a token by hash, and nothing else.
\set i random(0, :doctors - 1)
SELECT t.id, t.user_id, t.client_id, t.scope, t.expires_at, t.revoked_at FROM bench b JOIN tokens t ON t.digest = b.digest AND t.name = b.name AND t.expires_at >= b.day AND t.expires_at < b.day + interval '1 day' WHERE b.name = 'access_token' AND b.i = :i;
