-- Where the mails go in development, in place of a mail server.
CREATE TABLE mailbox (
  id text PRIMARY KEY,
  recipient text NOT NULL,
  subject text NOT NULL,
  body_text text NOT NULL,
  body_html text NOT NULL,
  template text NOT NULL,
  order_id uuid NOT NULL,
  sent_at timestamptz NOT NULL,
  -- how often the same mail came again
  duplicates integer NOT NULL DEFAULT 0
);

CREATE INDEX mailbox_newest ON mailbox (sent_at DESC, id DESC);

CREATE INDEX mailbox_of ON mailbox (lower(recipient), sent_at DESC, id DESC);
