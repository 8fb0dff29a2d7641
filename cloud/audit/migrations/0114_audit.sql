CREATE TABLE audit_events (
  uid TEXT PRIMARY KEY, at BIGINT NOT NULL, account TEXT NOT NULL, user_id TEXT NOT NULL, access_key TEXT NOT NULL, source TEXT NOT NULL, dialect TEXT NOT NULL,
  operation TEXT NOT NULL, request TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, result TEXT NOT NULL
);
CREATE INDEX audit_events_account ON audit_events (account, uid);
CREATE INDEX audit_events_target ON audit_events (target, uid);
