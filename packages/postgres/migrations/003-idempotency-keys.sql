-- The first answer to each idempotency key, written in the transaction of its effect.
CREATE TABLE idempotency_keys (
  caller text NOT NULL,
  route text NOT NULL,
  key text NOT NULL,
  request_hash text NOT NULL,
  status integer NOT NULL,
  headers json NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (caller, route, key)
);

CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
