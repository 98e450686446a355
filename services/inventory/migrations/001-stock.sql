-- How many pieces there are of each SKU, and how many of them are promised. The checks are the last defence against overselling.
CREATE TABLE stock (
  sku text PRIMARY KEY,
  on_hand integer NOT NULL CHECK (on_hand >= 0),
  reserved integer NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  CONSTRAINT stock_not_oversold CHECK (reserved <= on_hand)
) WITH (fillfactor = 70);

-- Every movement of on-hand pieces, for ever: its sum per SKU is stock.on_hand.
CREATE TABLE movements (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku text NOT NULL REFERENCES stock,
  kind text NOT NULL CHECK (kind IN ('opening', 'adjustment', 'sale', 'return')),
  quantity integer NOT NULL CHECK (quantity <> 0),
  order_id uuid,
  reason text,
  actor text,
  at timestamptz NOT NULL
);

CREATE INDEX movements_sku ON movements (sku, id DESC);

-- One row per order that was ever heard of. `cancelled` without lines is a tombstone: a late order.placed holds nothing.
CREATE TABLE reservations (
  order_id uuid PRIMARY KEY,
  status text NOT NULL CHECK (status IN ('held', 'rejected', 'committed', 'expired', 'refused', 'cancelled', 'confirmed-early')),
  lines json NOT NULL,
  expires_at timestamptz,
  updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX reservations_held ON reservations (order_id) WHERE status = 'held';
