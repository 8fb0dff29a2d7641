CREATE TABLE volumes (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, site TEXT NOT NULL REFERENCES sites (uid), host TEXT NOT NULL REFERENCES hosts (uid),
  name TEXT NOT NULL, role TEXT NOT NULL, storage TEXT NOT NULL, gib BIGINT NOT NULL, file TEXT NOT NULL, epoch BIGINT NOT NULL,
  instance TEXT NOT NULL, position BIGINT NOT NULL, wanted BIGINT NOT NULL, seen BIGINT NOT NULL, seen_epoch BIGINT NOT NULL, used_bytes BIGINT NOT NULL,
  phase TEXT NOT NULL, error TEXT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX volumes_account ON volumes (account, uid);
CREATE INDEX volumes_instance ON volumes (instance, position);
