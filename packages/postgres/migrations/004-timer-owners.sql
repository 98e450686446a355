-- Who claims timers: each worker's key, under which its session holds an advisory lock for as long as it lives.
CREATE TABLE timer_owners (
  key bigint PRIMARY KEY,
  since timestamptz NOT NULL DEFAULT now(),
  died_at timestamptz
);

ALTER TABLE timers ADD COLUMN claimed_by bigint;
