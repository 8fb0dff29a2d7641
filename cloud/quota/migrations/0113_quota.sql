CREATE TABLE quota_limits (account TEXT NOT NULL, name TEXT NOT NULL, allowed BIGINT NOT NULL, PRIMARY KEY (account, name));
CREATE TABLE quota_use (account TEXT NOT NULL, name TEXT NOT NULL, scope TEXT NOT NULL, used BIGINT NOT NULL, PRIMARY KEY (account, name, scope), CHECK (used >= 0));
