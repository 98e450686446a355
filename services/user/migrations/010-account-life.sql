-- What a person says of themselves, what is proven of them, and whether the account is still open.
ALTER TABLE users
  ADD COLUMN email_verified_at timestamptz,
  ADD COLUMN locale text,
  ADD COLUMN marketing_consent_at timestamptz,
  ADD COLUMN default_shipping_id uuid,
  ADD COLUMN default_billing_id uuid,
  ADD COLUMN closed_at timestamptz,
  -- counts the changes that the person sees
  ADD COLUMN version integer NOT NULL DEFAULT 1;

-- Where a closed account is still written to, until it is erased. users.email no longer holds the address, so somebody may register it again.
CREATE TABLE closed_accounts (
  user_id uuid PRIMARY KEY REFERENCES users (id),
  email text NOT NULL,
  closed_at timestamptz NOT NULL
);

-- Links that are mailed. What stands here opens nothing: the token is made of the id with a key that is not in this database.
CREATE TABLE account_links (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id),
  purpose text NOT NULL CHECK (purpose IN ('verify-email', 'reset-password', 'change-email')),
  -- the address that the link is mailed to, and proves
  email text NOT NULL,
  -- the address before, for a change
  previous_email text CHECK ((previous_email IS NOT NULL) = (purpose = 'change-email')),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  -- used, or of no use any more
  ended_at timestamptz
);

CREATE INDEX account_links_of_user ON account_links (user_id, purpose, created_at);

CREATE TABLE addresses (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id),
  name text NOT NULL,
  line1 text NOT NULL,
  line2 text NOT NULL,
  city text NOT NULL,
  region text NOT NULL,
  postal_code text NOT NULL,
  country text NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE INDEX addresses_of_user ON addresses (user_id, id);
