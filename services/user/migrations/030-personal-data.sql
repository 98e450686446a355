-- People who want to be forgotten. When all is done the id of the person goes too: what stays is a receipt that names nobody.
CREATE TABLE erasures (
  id uuid PRIMARY KEY,
  -- SHA-256 of the token that opens the receipt
  receipt_hash text NOT NULL UNIQUE,
  user_id uuid UNIQUE,
  status text NOT NULL CHECK (status IN ('waiting', 'asked', 'done')),
  requested_at timestamptz NOT NULL,
  finished_at timestamptz,
  CHECK ((status = 'done') = (finished_at IS NOT NULL)),
  CHECK ((status = 'done') = (user_id IS NULL))
);

-- What each service has erased and what it keeps.
CREATE TABLE erasure_reports (
  erasure_id uuid NOT NULL REFERENCES erasures,
  keeper text NOT NULL,
  report json NOT NULL,
  reported_at timestamptz NOT NULL,
  PRIMARY KEY (erasure_id, keeper)
);

-- Everything that is known about a person, collected for them, and gone after a week.
CREATE TABLE data_exports (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  status text NOT NULL CHECK (status IN ('collecting', 'ready')),
  document json,
  requested_at timestamptz NOT NULL,
  ready_at timestamptz,
  expires_at timestamptz NOT NULL,
  CHECK ((status = 'ready') = (document IS NOT NULL)),
  CHECK ((status = 'ready') = (ready_at IS NOT NULL))
);

CREATE INDEX data_exports_of ON data_exports (user_id, requested_at);
