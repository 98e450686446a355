-- One row per e-mail that has to be written, without anything personal: who gets it is asked for when it is written.
CREATE TABLE emails (
  id text PRIMARY KEY,
  order_id uuid NOT NULL,
  template text NOT NULL CHECK (template IN ('order-confirmed', 'order-cancelled', 'order-refunded')),
  status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'sent', 'undeliverable')),
  reason text CHECK ((reason IS NOT NULL) = (status = 'undeliverable')),
  -- how often a mail server was given it and did not say no: more than once, and the customer may have it twice
  handovers integer NOT NULL DEFAULT 0 CHECK (handovers >= 0),
  created_at timestamptz NOT NULL,
  settled_at timestamptz CHECK ((settled_at IS NULL) = (status = 'waiting')),
  CONSTRAINT emails_once_per_order UNIQUE (order_id, template)
);

CREATE INDEX emails_waiting ON emails (created_at) WHERE status = 'waiting';
