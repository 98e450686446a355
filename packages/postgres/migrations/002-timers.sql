-- Work that is due at a time, once: claimed with SKIP LOCKED, leased by moving due_at, deleted with its effect.
CREATE TABLE timers (
  id text PRIMARY KEY,
  kind text NOT NULL,
  subject text NOT NULL,
  data json NOT NULL,
  correlation_id text NOT NULL,
  causation_id text NOT NULL,
  traceparent text NOT NULL,
  due_at timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  last_error text
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX timers_due ON timers (kind, due_at);
