-- From when on a key signs access tokens. Empty for the one that waits: it is published, so that everybody knows it before it is needed.
ALTER TABLE signing_keys ADD COLUMN signs_from timestamptz;

UPDATE signing_keys SET signs_from = created_at;
