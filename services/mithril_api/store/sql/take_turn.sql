-- One request of an address, through a client, for a user: each may be limited. Answers whose
-- limit is used up, and writes nothing for whoever comes after that one; or NULL: it passes.
--
-- $1 now; then key, interval and slack of each: $2 … $4 of the address, $5 … $7 of the client,
-- $8 … $10 of the user. A key that is NULL is not limited.
--
-- A row is held by the request that changes it, so of those that come at once each sees what
-- the one before it left: never do more pass than the limit. Rows are taken in the same order
-- by all, so nobody waits in a circle.
WITH address AS (
  INSERT INTO rate_limits AS r (key, settles_at)
  SELECT $2::bytea, $1::timestamptz + $3::interval WHERE $2::bytea IS NOT NULL
  ON CONFLICT (key) DO UPDATE SET settles_at = greatest(r.settles_at, $1) + $3
  WHERE r.settles_at <= $1 + $4::interval
  RETURNING true AS passes
), client AS (
  INSERT INTO rate_limits AS r (key, settles_at)
  SELECT $5::bytea, $1 + $6::interval
  WHERE $5::bytea IS NOT NULL AND ($2 IS NULL OR EXISTS (SELECT FROM address))
  ON CONFLICT (key) DO UPDATE SET settles_at = greatest(r.settles_at, $1) + $6
  WHERE r.settles_at <= $1 + $7::interval
  RETURNING true AS passes
), person AS (
  INSERT INTO rate_limits AS r (key, settles_at)
  SELECT $8::bytea, $1 + $9::interval
  WHERE $8::bytea IS NOT NULL AND ($2 IS NULL OR EXISTS (SELECT FROM address))
    AND ($5 IS NULL OR EXISTS (SELECT FROM client))
  ON CONFLICT (key) DO UPDATE SET settles_at = greatest(r.settles_at, $1) + $9
  WHERE r.settles_at <= $1 + $10::interval
  RETURNING true AS passes
)
SELECT CASE
  WHEN $2 IS NOT NULL AND NOT EXISTS (SELECT FROM address) THEN 'address'
  WHEN $5 IS NOT NULL AND NOT EXISTS (SELECT FROM client) THEN 'client'
  WHEN $8 IS NOT NULL AND NOT EXISTS (SELECT FROM person) THEN 'user'
END
