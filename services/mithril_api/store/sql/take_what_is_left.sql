-- As many of one holder's requests as still pass: how many, and the moment it is left with.
-- $1 now, $2 key, $3 interval, $4 slack, $5 how many requests there are.
--
-- The row is held first, so of those that come at once each sees what the one before it left.
WITH held AS MATERIALIZED (
  SELECT key, settles_at FROM rate_limits WHERE key = $2::bytea FOR UPDATE
), counted AS (
  SELECT key, settles_at, greatest(settles_at, $1::timestamptz) AS base,
    greatest(0, least($5::int, 1 + floor(
      extract(epoch FROM $1 + $4::interval - greatest(settles_at, $1))
      / extract(epoch FROM $3::interval))::int)) AS passing
  FROM held
), taken AS (
  UPDATE rate_limits r SET settles_at = c.base + $3 * c.passing
  FROM counted c WHERE r.key = c.key AND c.passing > 0
)
SELECT passing, CASE WHEN passing > 0 THEN base + $3 * passing ELSE settles_at END AS settles_at
FROM counted
