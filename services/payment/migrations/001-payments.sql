-- One payment per order. `order_says` is what the order wants, `status` where the money is; a cancelled order with status 'none' is the
-- tombstone that keeps a late request from asking for money.
CREATE TABLE payments (
  order_id uuid PRIMARY KEY,
  order_says text NOT NULL CHECK (order_says IN ('open', 'confirmed', 'cancelled')),
  status text NOT NULL CHECK (status IN ('none', 'requested', 'action-required', 'pending', 'declined', 'authorized', 'capturing',
    'captured', 'refunding', 'refunded', 'voiding', 'voided')),
  payment_id uuid UNIQUE,
  amount_minor bigint CHECK (amount_minor >= 0),
  currency text CHECK (currency ~ '^[A-Z]{3}$'),
  method text,
  due_at text,
  reference text,
  action_url text,
  reason text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CHECK (status = 'none' OR (payment_id IS NOT NULL AND amount_minor IS NOT NULL AND currency IS NOT NULL
    AND method IS NOT NULL AND due_at IS NOT NULL)),
  CHECK (status IN ('none', 'requested') OR reference IS NOT NULL)
) WITH (fillfactor = 70);

-- Webhooks that were handled: a repeat is recognised by its id.
CREATE TABLE provider_events (
  provider text NOT NULL,
  event_id text NOT NULL,
  handled_at timestamptz NOT NULL,
  PRIMARY KEY (provider, event_id)
);
