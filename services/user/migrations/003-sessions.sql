-- A session is a device that signed in; refresh tokens are its keys, of which only digests stand here. Ended sessions stay for as long as
-- access tokens of theirs may live.
CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  user_agent text NOT NULL,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz NOT NULL,
  -- whatever happens, it is over then
  expires_at timestamptz NOT NULL,
  ended_at timestamptz
);

CREATE INDEX sessions_of_user ON sessions (user_id) WHERE ended_at IS NULL;

CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE refresh_tokens (
  digest text PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  spent_at timestamptz,
  -- the one repeat within seconds of its use has had its answer
  retried boolean NOT NULL DEFAULT false
);

CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

CREATE INDEX refresh_tokens_spent ON refresh_tokens (spent_at) WHERE spent_at IS NOT NULL;
