-- Mails about accounts, as emails are about orders: one row each, without anything personal.
CREATE TABLE account_emails (
  id text PRIMARY KEY,
  user_id uuid NOT NULL,
  template text NOT NULL,
  status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'sent', 'undeliverable')),
  reason text CHECK ((reason IS NOT NULL) = (status = 'undeliverable')),
  -- how often a mail server was given it and did not say no: more than once, and the person may have it twice
  handovers integer NOT NULL DEFAULT 0 CHECK (handovers >= 0),
  created_at timestamptz NOT NULL,
  settled_at timestamptz CHECK ((settled_at IS NULL) = (status = 'waiting'))
);

CREATE INDEX account_emails_waiting ON account_emails (created_at) WHERE status = 'waiting';

-- Mails about accounts belong to no order.
ALTER TABLE mailbox ALTER COLUMN order_id DROP NOT NULL;
