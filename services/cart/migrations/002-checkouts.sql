-- What was handed over, never changed again: one checkout a cart.
CREATE TABLE checkouts (
  order_id uuid PRIMARY KEY,
  cart_id uuid NOT NULL UNIQUE REFERENCES carts,
  customer_id uuid,
  guest_token_hash text,
  lines json NOT NULL,
  total_minor bigint NOT NULL CHECK (total_minor >= 0),
  currency text NOT NULL,
  payment_method text NOT NULL,
  checked_out_at timestamptz NOT NULL
);

-- Who and where, apart from the rest: personal data that no message carries.
CREATE TABLE checkout_contacts (
  order_id uuid PRIMARY KEY REFERENCES checkouts,
  email text,
  name text NOT NULL,
  line1 text NOT NULL,
  line2 text,
  city text NOT NULL,
  region text,
  postal_code text NOT NULL,
  country text NOT NULL
);
