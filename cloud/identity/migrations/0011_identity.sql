CREATE TABLE account_numbers (name TEXT NOT NULL PRIMARY KEY, next BIGINT NOT NULL);
INSERT INTO account_numbers (name, next) VALUES ('account', 1000000001);
CREATE TABLE accounts (
  uid TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, suspended BOOLEAN NOT NULL, created BIGINT NOT NULL
);
CREATE TABLE projects (
  uid TEXT NOT NULL PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts (uid), name TEXT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (account, name)
);
-- password is a PHC string, empty for a user that only has keys; initial is the sealed first password of the first operator, until it is changed.
CREATE TABLE users (
  uid TEXT NOT NULL PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts (uid), name TEXT NOT NULL, role TEXT NOT NULL, password TEXT NOT NULL,
  initial {{blob}}, disabled BOOLEAN NOT NULL, created BIGINT NOT NULL,
  UNIQUE (account, name)
);
CREATE TABLE access_keys (
  id TEXT NOT NULL PRIMARY KEY, user_uid TEXT NOT NULL REFERENCES users (uid), sealed {{blob}} NOT NULL, enabled BOOLEAN NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX access_keys_user ON access_keys (user_uid);
-- hash is the SHA-256 of the bearer, which itself is never stored.
CREATE TABLE tokens (
  uid TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL UNIQUE, user_uid TEXT NOT NULL REFERENCES users (uid), scope TEXT NOT NULL, project TEXT REFERENCES projects (uid),
  methods TEXT NOT NULL, issued BIGINT NOT NULL, expires BIGINT NOT NULL
);
CREATE INDEX tokens_user ON tokens (user_uid);
CREATE INDEX tokens_expires ON tokens (expires);
