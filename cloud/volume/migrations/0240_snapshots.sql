CREATE TABLE snapshots (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, site TEXT NOT NULL REFERENCES sites (uid), host TEXT NOT NULL REFERENCES hosts (uid), name TEXT NOT NULL,
  instance TEXT NOT NULL, handle TEXT NOT NULL, instance_name TEXT NOT NULL, image TEXT NOT NULL, custom_image TEXT NOT NULL,
  state TEXT NOT NULL, wanted BIGINT NOT NULL, seen BIGINT NOT NULL, phase TEXT NOT NULL, trouble TEXT NOT NULL, error TEXT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX snapshots_account ON snapshots (account, uid);
CREATE INDEX snapshots_instance ON snapshots (instance);
CREATE INDEX snapshots_host ON snapshots (host);
CREATE INDEX snapshots_unsettled ON snapshots (uid) WHERE state NOT IN ('created', 'failed');
CREATE TABLE snapshot_disks (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, snapshot TEXT NOT NULL REFERENCES snapshots (uid), volume TEXT NOT NULL, volume_slug TEXT NOT NULL,
  role TEXT NOT NULL, gib BIGINT NOT NULL, position BIGINT NOT NULL, UNIQUE (snapshot, volume)
);
CREATE INDEX snapshot_disks_snapshot ON snapshot_disks (snapshot, position);
CREATE INDEX snapshot_disks_volume ON snapshot_disks (volume);
ALTER TABLE volumes ADD COLUMN origin_volume TEXT NOT NULL DEFAULT '';
ALTER TABLE volumes ADD COLUMN origin_snapshot TEXT NOT NULL DEFAULT '';
ALTER TABLE volumes ADD COLUMN rollback BIGINT NOT NULL DEFAULT 0;
ALTER TABLE volumes ADD COLUMN rollback_to TEXT NOT NULL DEFAULT '';
ALTER TABLE volumes ADD COLUMN seen_rollback BIGINT NOT NULL DEFAULT 0;
CREATE INDEX volumes_origin ON volumes (origin_snapshot) WHERE origin_snapshot <> '';
CREATE INDEX volumes_rollback ON volumes (rollback_to) WHERE rollback_to <> '';
