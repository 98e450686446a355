-- The sandbox plays the provider on a database of its own: what it holds, what it moved, what it has to tell.
CREATE TABLE sandbox_payments (
  key text PRIMARY KEY,
  reference text NOT NULL UNIQUE,
  order_id text NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  currency text NOT NULL,
  method text NOT NULL,
  status text NOT NULL CHECK (status IN ('action-required', 'pending', 'authorized', 'declined', 'captured', 'voided', 'refunded')),
  reason text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);

-- Every movement once: the idempotency key is the kind and the payment's key.
CREATE TABLE sandbox_ledger (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  reference text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('authorize', 'capture', 'void', 'refund')),
  idempotency_key text NOT NULL UNIQUE,
  minor bigint NOT NULL CHECK (minor >= 0),
  currency text NOT NULL,
  at timestamptz NOT NULL
);

-- What the shop has to be told; a timer delivers it until it is accepted.
CREATE TABLE sandbox_webhooks (
  id uuid PRIMARY KEY,
  key text NOT NULL,
  body text NOT NULL,
  copies integer NOT NULL CHECK (copies > 0),
  created_at timestamptz NOT NULL,
  delivered_at timestamptz
);
