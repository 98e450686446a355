-- Everybody reads what happened to their own account.
CREATE INDEX audit_log_subject ON audit_log (subject, sequence);

CREATE INDEX audit_log_actor ON audit_log (actor, sequence);
