-- A million facts. Ids are hashes of names, so the bench can compute them: `patient7`. Of 300 000
-- patients each has a declaration with one of 20 000 employees in 2000 legal entities; most have
-- an episode, made elsewhere, and an encounter in it.
INSERT INTO employees (id, user_id, legal_entity_id, is_active, fact_at, event_id)
SELECT md5('employee' || n)::uuid, md5('user' || n)::uuid, md5('entity' || n % 2000)::uuid,
  true, now(), md5('employee' || n)::uuid
FROM generate_series(0, 19999) n;

INSERT INTO declarations
  (id, patient_id, employee_id, legal_entity_id, active_from, active_to, fact_at, event_id)
SELECT md5('declaration' || n)::uuid, md5('patient' || n)::uuid,
  md5('employee' || n % 20000)::uuid, md5('entity' || n % 2000)::uuid,
  now() - interval '1 year', NULL, now(), md5('declaration' || n)::uuid
FROM generate_series(0, 299999) n;

INSERT INTO resources (id, type, patient_id, managing_organization_id, fact_at, event_id)
SELECT md5('episode' || n)::uuid, 'episode', md5('patient' || n)::uuid,
  md5('entity' || n * 7 % 2000)::uuid, now(), md5('episode' || n)::uuid
FROM generate_series(0, 249999) n;

INSERT INTO resources (id, type, patient_id, episode_id, fact_at, event_id)
SELECT md5('encounter' || n)::uuid, 'encounter', md5('patient' || n)::uuid,
  md5('episode' || n)::uuid, now(), md5('encounter' || n)::uuid
FROM generate_series(0, 249999) n;

INSERT INTO resources (id, type, patient_id, encounter_id, fact_at, event_id)
SELECT md5('observation' || n)::uuid, 'observation', md5('patient' || n)::uuid,
  md5('encounter' || n)::uuid, now(), md5('observation' || n)::uuid
FROM generate_series(0, 99999) n;

INSERT INTO resources (id, type, patient_id, managing_organization_id, fact_at, event_id)
SELECT md5('care_plan' || n)::uuid, 'care_plan', md5('patient' || n)::uuid,
  md5('entity' || n * 7 % 2000)::uuid, now(), md5('care_plan' || n)::uuid
FROM generate_series(0, 9999) n;

-- To the employee after the patient's own, on one episode.
INSERT INTO approvals (id, patient_id, granted_to_employee_id, resources, access_level, status,
  expires_at, fact_at, event_id)
SELECT md5('approval' || n)::uuid, md5('patient' || n)::uuid,
  md5('employee' || (n + 1) % 20000)::uuid,
  jsonb_build_array(jsonb_build_object('type', 'episode', 'id', md5('episode' || n)::uuid)),
  'read', 'active', now() + interval '1 year', now(), md5('approval' || n)::uuid
FROM generate_series(0, 39999) n;

INSERT INTO merged_persons (id, master_person_id, merged_person_id, fact_at, event_id)
SELECT md5('merge' || n)::uuid, md5('patient' || n)::uuid, md5('preperson' || n)::uuid,
  now(), md5('merge' || n)::uuid
FROM generate_series(0, 19999) n;

INSERT INTO justifications (id, user_id, patient_id, active_from, active_to, fact_at, event_id)
SELECT md5('justification' || n)::uuid, md5('user' || n % 20000)::uuid,
  md5('patient' || n + 100000)::uuid, now() - interval '1 day', now() + interval '1 day', now(),
  md5('justification' || n)::uuid
FROM generate_series(0, 9999) n;

CREATE TABLE bench_commits (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text);
