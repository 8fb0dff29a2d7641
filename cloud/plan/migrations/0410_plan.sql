CREATE TABLE plans (
  uid TEXT PRIMARY KEY, account TEXT NOT NULL, cloud TEXT NOT NULL, expands BOOLEAN NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, coverage TEXT NOT NULL, stack TEXT NOT NULL,
  locations TEXT NOT NULL, closed BOOLEAN NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX plans_account ON plans (account, uid);
CREATE TABLE edge_clouds (
  uid TEXT PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, coverage TEXT NOT NULL, parts TEXT NOT NULL, state TEXT NOT NULL, error TEXT NOT NULL,
  created BIGINT NOT NULL, changed BIGINT NOT NULL,
  UNIQUE (account, name)
);
CREATE INDEX edge_clouds_account ON edge_clouds (account, uid);
