-- People who can sign in. The address is stored as src/domain/account.ts normalises it, so the index knows it in one spelling only.
CREATE TABLE users (
  id uuid PRIMARY KEY,
  email text NOT NULL,
  name text NOT NULL,
  roles text[] NOT NULL CHECK (roles <@ ARRAY['customer', 'staff', 'admin'] AND cardinality(roles) > 0),
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX users_email ON users (email);

CREATE INDEX users_admins ON users (id) WHERE 'admin' = ANY (roles);
