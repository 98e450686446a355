-- The secret of a person's authenticator app, encrypted with a key that is not in this database. It counts once confirmed_at is set.
CREATE TABLE totp_factors (
  user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  sealed_secret text NOT NULL,
  key_id text NOT NULL,
  created_at timestamptz NOT NULL,
  confirmed_at timestamptz,
  -- the time step of the last code that was taken: it and those before it are used up
  last_step bigint NOT NULL,
  -- wrong codes in a row, and until when no more are taken
  failures integer NOT NULL,
  waits_until timestamptz
);

-- The ways in without the app, each once; only hashes of them.
CREATE TABLE recovery_codes (
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  code_hash text NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (user_id, code_hash)
);

-- Sign-ins that have shown the password and still owe the second factor; only hashes of what the client holds.
CREATE TABLE sign_in_challenges (
  challenge_hash text PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  tries_left integer NOT NULL CHECK (tries_left >= 0),
  expires_at timestamptz NOT NULL
);

CREATE INDEX sign_in_challenges_user ON sign_in_challenges (user_id);

CREATE INDEX sign_in_challenges_expiry ON sign_in_challenges (expires_at);
