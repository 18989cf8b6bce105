-- What bears on each question, a row each in the order asked. $1 users, $2 legal entities,
-- $3 patients and $4 resources that the question names, as array literals: PostgreSQL has no
-- arrays of different lengths. Each LATERAL is an index look-up or a few; no join spans
-- questions, so a batch costs what its questions cost.
SELECT
  r.resources, g.patients, e.employees, d.declarations, a.approvals, j.justifications
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])
  WITH ORDINALITY AS q (user_id, client_id, patients, resources, n)
-- The resources named, and what they refer to: two hops.
CROSS JOIN LATERAL (
  WITH RECURSIVE known AS (
    SELECT s.*, 0 AS hops FROM resources s
    WHERE s.id = ANY (q.resources::uuid[]) AND s.withdrawn_at IS NULL
    UNION ALL
    SELECT s.*, k.hops + 1
    FROM known k
    CROSS JOIN LATERAL unnest(ARRAY[
      k.episode_id, k.origin_episode_id, k.encounter_id,
      k.diagnostic_report_id, k.care_plan_id, k.composition_id]) AS ref (id)
    JOIN resources s ON s.id = ref.id AND s.withdrawn_at IS NULL
    WHERE k.hops < 2
  )
  SELECT
    json_agg(json_build_array(
      id, type, patient_id, episode_id, managing_organization_id,
      requester_legal_entity_id, origin_episode_id, encounter_id,
      diagnostic_report_id, care_plan_id, composition_id)) AS resources,
    array_agg(patient_id) FILTER (WHERE hops = 0) AS owners
  FROM known
) r
CROSS JOIN LATERAL (SELECT q.patients::uuid[] || r.owners AS named) p
-- Everybody who is one person with the first patient named, over any chain of merges. Where
-- the question names somebody else besides, nobody.
CROSS JOIN LATERAL (
  WITH RECURSIVE one AS (
    SELECT p.named[1] AS id WHERE p.named[1] IS NOT NULL
    UNION
    SELECT m.id
    FROM one
    CROSS JOIN LATERAL (
      SELECT x.master_person_id AS id FROM merged_persons x
      WHERE x.merged_person_id = one.id AND x.withdrawn_at IS NULL
      UNION ALL
      SELECT x.merged_person_id FROM merged_persons x
      WHERE x.master_person_id = one.id AND x.withdrawn_at IS NULL
    ) m
  )
  SELECT CASE WHEN p.named <@ array_agg(id) THEN array_agg(id) ELSE '{}' END AS patients
  FROM one
) g
CROSS JOIN LATERAL (
  SELECT
    json_agg(json_build_array(s.id, s.user_id, s.legal_entity_id, s.is_active)) AS employees,
    array_agg(s.id) AS ids
  FROM employees s
  WHERE s.user_id = q.user_id AND s.legal_entity_id = q.client_id
    AND s.is_active AND s.withdrawn_at IS NULL
) e
CROSS JOIN LATERAL (
  SELECT json_agg(json_build_array(
    s.id, s.patient_id, s.employee_id, s.legal_entity_id, s.active_from, s.active_to
  )) AS declarations
  FROM declarations s
  WHERE s.patient_id = ANY (g.patients) AND s.legal_entity_id = q.client_id
    AND s.withdrawn_at IS NULL
) d
CROSS JOIN LATERAL (
  SELECT json_agg(json_build_array(
    s.id, s.patient_id, s.granted_to_employee_id, s.granted_to_legal_entity_id,
    s.resources, s.access_level, s.status, s.expires_at
  )) AS approvals
  FROM (
    SELECT x.* FROM approvals x
    WHERE x.patient_id = ANY (g.patients) AND x.granted_to_employee_id = ANY (e.ids)
      AND x.withdrawn_at IS NULL
    UNION ALL
    SELECT x.* FROM approvals x
    WHERE x.patient_id = ANY (g.patients) AND x.granted_to_legal_entity_id = q.client_id
      AND x.withdrawn_at IS NULL
  ) s
) a
CROSS JOIN LATERAL (
  SELECT json_agg(json_build_array(
    s.id, s.user_id, s.patient_id, s.active_from, s.active_to
  )) AS justifications
  FROM justifications s
  WHERE s.user_id = q.user_id AND s.patient_id = ANY (g.patients)
    AND s.withdrawn_at IS NULL
) j
ORDER BY q.n
