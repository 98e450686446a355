-- A cart with its lines is read and written as one: at most 100 lines, and the row's lock is the cart's lock.
CREATE TABLE carts (
  id uuid PRIMARY KEY,
  version integer NOT NULL CHECK (version > 0),
  status text NOT NULL CHECK (status IN ('open', 'checked-out', 'ordered', 'released')),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  lines json NOT NULL,
  order_id uuid UNIQUE,
  customer_id uuid,
  guest_token_hash text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT carts_one_owner CHECK ((customer_id IS NULL) <> (guest_token_hash IS NULL)),
  CONSTRAINT carts_order_once_checked_out CHECK ((status = 'open') = (order_id IS NULL))
) WITH (fillfactor = 70);
