-- Many requests of several holders: all of a holder's pass, or none is counted. A row for each
-- holder whose requests pass, with the moment it is left with. $1 now; $2 keys, in order,
-- $3 intervals, $4 slacks, $5 how many requests each.
INSERT INTO rate_limits AS r (key, settles_at)
SELECT q.key, $1::timestamptz + q.cost * q.many
FROM unnest($2::bytea[], $3::interval[], $4::interval[], $5::int[]) AS q (key, cost, slack, many)
WHERE q.cost * (q.many - 1) <= q.slack
ON CONFLICT (key) DO UPDATE
SET settles_at = greatest(r.settles_at, $1) + (excluded.settles_at - $1)
WHERE greatest(r.settles_at, $1) + (excluded.settles_at - $1) <= $1 + (
  SELECT q.slack + q.cost
  FROM unnest($2::bytea[], $3::interval[], $4::interval[]) AS q (key, cost, slack)
  WHERE q.key = r.key
)
RETURNING key, settles_at
