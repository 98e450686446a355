-- What people of the shop did, for ever: each row carries the hash of the one before it, so that no row can be changed, removed, slipped in
-- or moved without breaking the chain. Nothing personal and no secret stands here, because nothing here is ever removed.
CREATE TABLE audit_log (
  sequence bigint PRIMARY KEY CHECK (sequence > 0),
  -- whole milliseconds, so that the hash covers all of it
  at timestamptz NOT NULL CHECK (at = date_trunc('milliseconds', at)),
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  details json NOT NULL,
  previous_hash text NOT NULL,
  hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$')
);

-- The end of the chain; locked by whoever appends, so that there are no gaps and no forks. Without it a shortened chain would look whole.
CREATE TABLE audit_head (
  is_head boolean PRIMARY KEY DEFAULT true CHECK (is_head),
  sequence bigint NOT NULL,
  hash text NOT NULL
);

INSERT INTO audit_head (sequence, hash) VALUES (0, repeat('0', 64));

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit rows are never changed' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
