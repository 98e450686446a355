-- When whoever holds a session has last shown who they are, where that was after it was opened.
ALTER TABLE sessions ADD COLUMN proven_at timestamptz;
