CREATE TABLE operations (
  uid TEXT PRIMARY KEY, account TEXT NOT NULL, verb TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, status TEXT NOT NULL, step TEXT NOT NULL,
  percent BIGINT NOT NULL, error TEXT NOT NULL, opened BIGINT NOT NULL, closed BIGINT NOT NULL
);
CREATE INDEX operations_target ON operations (target, status);
CREATE INDEX operations_account ON operations (account, uid);
CREATE INDEX operations_closed ON operations (status, closed);
