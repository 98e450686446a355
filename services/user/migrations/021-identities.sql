-- Who a provider says that somebody is. The pair of issuer and subject belongs to one account.
CREATE TABLE identities (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  provider text NOT NULL,
  issuer text NOT NULL,
  subject text NOT NULL,
  linked_at timestamptz NOT NULL,
  UNIQUE (issuer, subject)
);

CREATE INDEX identities_user ON identities (user_id);

-- Sign-ins that are on their way to a provider and back. The browser holds the secret that all their values are made from; here is only its
-- hash, and what the provider said is sealed with the secret itself, so that nothing here is of use, or personal, without that browser.
CREATE TABLE provider_rounds (
  browser_hash text PRIMARY KEY,
  provider text NOT NULL,
  return_to text NOT NULL,
  -- who is adding a provider to their account; null for a sign-in
  owner_id uuid REFERENCES users (id) ON DELETE CASCADE,
  status text NOT NULL CHECK (status IN ('away', 'asking', 'back', 'refused')),
  sealed_identity text,
  refusal text,
  expires_at timestamptz NOT NULL
);

CREATE INDEX provider_rounds_expiry ON provider_rounds (expires_at);

CREATE INDEX provider_rounds_owner ON provider_rounds (owner_id);

-- Somebody who came with a provider has no password until they set one.
ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL;
