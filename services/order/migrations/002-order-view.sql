-- One row per order for the GET routes; can be rebuilt from the event log.
CREATE TABLE order_view (
  order_id uuid PRIMARY KEY,
  customer_id uuid,
  guest_token_hash text,
  cart_id uuid NOT NULL,
  status text NOT NULL CHECK (status IN ('placed', 'awaiting-payment', 'confirmed', 'cancelled', 'refunded')),
  reason text,
  action_url text,
  lines json NOT NULL,
  total_minor bigint NOT NULL CHECK (total_minor >= 0),
  refunded_minor bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
  currency text NOT NULL,
  version integer NOT NULL,
  placed_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE INDEX order_view_customer ON order_view (customer_id, order_id DESC);

CREATE INDEX order_view_unfinished ON order_view (placed_at) WHERE status IN ('placed', 'awaiting-payment');
