CREATE TABLE image_files (
  uid TEXT PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, format TEXT NOT NULL, bytes BIGINT NOT NULL, virtual_bytes BIGINT NOT NULL, url TEXT NOT NULL, created BIGINT NOT NULL
);
CREATE TABLE images (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, site TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
  os_type TEXT NOT NULL, os_name TEXT NOT NULL, os_version TEXT NOT NULL, os_arch TEXT NOT NULL, os_build TEXT NOT NULL, os_lang TEXT NOT NULL,
  min_disk_gib BIGINT NOT NULL, min_memory_mib BIGINT NOT NULL, min_vcpus BIGINT NOT NULL, gpu BOOLEAN NOT NULL,
  status TEXT NOT NULL, file TEXT NOT NULL REFERENCES image_files (uid), source TEXT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX images_account ON images (account, uid);
CREATE UNIQUE INDEX images_public_name ON images (name) WHERE account = '';
