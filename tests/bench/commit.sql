-- One commit of one row as large as the record of a decision, and nothing else.
BEGIN;
INSERT INTO bench_commits (payload) VALUES (repeat('x', 900));
COMMIT;
