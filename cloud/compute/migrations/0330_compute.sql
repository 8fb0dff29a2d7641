CREATE TABLE groups (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, name TEXT NOT NULL, payment TEXT NOT NULL, mbps BIGINT NOT NULL, tags TEXT NOT NULL, doomed BOOLEAN NOT NULL,
  created BIGINT NOT NULL
);
CREATE INDEX groups_account ON groups (account, uid);
CREATE INDEX groups_account_slug ON groups (account, slug);
CREATE TABLE key_pairs (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, name TEXT NOT NULL, public_key TEXT NOT NULL, fingerprint TEXT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (account, name)
);
CREATE TABLE instances (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, handle TEXT NOT NULL UNIQUE, account TEXT NOT NULL, grp TEXT NOT NULL REFERENCES groups (uid),
  site TEXT NOT NULL REFERENCES sites (uid), host TEXT NOT NULL REFERENCES hosts (uid), name TEXT NOT NULL, hostname TEXT NOT NULL, description TEXT NOT NULL,
  flavor TEXT NOT NULL, vcpus BIGINT NOT NULL, memory_mib BIGINT NOT NULL, disk_gib BIGINT NOT NULL, image TEXT NOT NULL, image_file TEXT NOT NULL, login_user TEXT NOT NULL,
  mbps BIGINT NOT NULL, payment TEXT NOT NULL, months BIGINT NOT NULL, auto_renew BOOLEAN NOT NULL, expires BIGINT NOT NULL, tags TEXT NOT NULL,
  keys TEXT NOT NULL, password_hash TEXT NOT NULL, user_data TEXT NOT NULL,
  state TEXT NOT NULL, power TEXT NOT NULL, force_off BOOLEAN NOT NULL, dirty BOOLEAN NOT NULL, restart BIGINT NOT NULL, hard_reset BOOLEAN NOT NULL, password BIGINT NOT NULL, epoch BIGINT NOT NULL,
  wanted BIGINT NOT NULL, error TEXT NOT NULL,
  seen BIGINT NOT NULL, phase TEXT NOT NULL, seen_power TEXT NOT NULL, seen_since BIGINT NOT NULL, seen_restart BIGINT NOT NULL, seen_password BIGINT NOT NULL,
  seen_epoch BIGINT NOT NULL, crashed BOOLEAN NOT NULL, trouble TEXT NOT NULL,
  created BIGINT NOT NULL, changed BIGINT NOT NULL
);
CREATE INDEX instances_account ON instances (account, uid);
CREATE INDEX instances_account_handle ON instances (account, handle);
CREATE INDEX instances_group ON instances (grp, uid);
CREATE INDEX instances_host ON instances (host);
CREATE INDEX instances_site ON instances (site, uid);
