-- What access tokens are signed with. The newest signs; all of them stay published, so that older tokens live out their time.
CREATE TABLE signing_keys (
  kid text PRIMARY KEY,
  private_jwk json NOT NULL,
  created_at timestamptz NOT NULL
);
