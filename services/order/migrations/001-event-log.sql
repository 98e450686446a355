-- What happened to every order, for ever: the truth of this service. The primary key is the optimistic lock.
CREATE TABLE event_log (
  stream_id uuid NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  type text NOT NULL,
  data json NOT NULL,
  at timestamptz NOT NULL,
  causation_id text NOT NULL,
  correlation_id text NOT NULL,
  traceparent text NOT NULL,
  PRIMARY KEY (stream_id, version)
);
