-- Messages to be published: written with the state they tell about, in one transaction.
CREATE TABLE outbox (
  id uuid PRIMARY KEY,
  type text NOT NULL,
  subject text NOT NULL,
  envelope json NOT NULL,
  created_at timestamptz NOT NULL,
  available_at timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  published_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.02);

-- Never page by id: a late commit carries an early id. What is not published is found here, whenever it came.
CREATE INDEX outbox_unpublished ON outbox (id) WHERE published_at IS NULL;

CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

-- Messages that were handled: written with their effect, in one transaction.
CREATE TABLE inbox (
  consumer text NOT NULL,
  message_id uuid NOT NULL,
  type text NOT NULL,
  handled_at timestamptz NOT NULL,
  PRIMARY KEY (consumer, message_id)
);

CREATE INDEX inbox_handled ON inbox (handled_at);

-- Messages that can never be handled, or failed too often, kept with the reason until someone decides.
CREATE TABLE dead_letters (
  id uuid PRIMARY KEY,
  consumer text NOT NULL,
  message_id text,
  type text,
  body text NOT NULL,
  code text NOT NULL,
  detail text NOT NULL,
  attempts integer NOT NULL,
  died_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'replaying', 'replayed', 'discarded')),
  decided_at timestamptz,
  decided_by text
);

CREATE INDEX dead_letters_waiting ON dead_letters (died_at) WHERE state = 'waiting';
