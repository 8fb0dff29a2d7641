CREATE TABLE volumes_anywhere (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, site TEXT NOT NULL REFERENCES sites (uid), host TEXT NOT NULL,
  name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', tags TEXT NOT NULL DEFAULT '[]', role TEXT NOT NULL, storage TEXT NOT NULL, gib BIGINT NOT NULL, file TEXT NOT NULL, epoch BIGINT NOT NULL,
  instance TEXT NOT NULL, position BIGINT NOT NULL, hold TEXT NOT NULL DEFAULT '', doomed BOOLEAN NOT NULL DEFAULT FALSE,
  wanted BIGINT NOT NULL, seen BIGINT NOT NULL, seen_epoch BIGINT NOT NULL, used_bytes BIGINT NOT NULL,
  phase TEXT NOT NULL, error TEXT NOT NULL, created BIGINT NOT NULL
);
INSERT INTO volumes_anywhere (uid, slug, account, site, host, name, role, storage, gib, file, epoch, instance, position, wanted, seen, seen_epoch, used_bytes, phase, error, created)
  SELECT uid, slug, account, site, host, name, role, storage, gib, file, epoch, instance, position, wanted, seen, seen_epoch, used_bytes, phase, error, created FROM volumes;
DROP TABLE volumes;
ALTER TABLE volumes_anywhere RENAME TO volumes;
CREATE INDEX volumes_account ON volumes (account, uid);
CREATE INDEX volumes_instance ON volumes (instance, position);
CREATE INDEX volumes_file ON volumes (file);
