CREATE TABLE images_unfinished (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, site TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
  os_type TEXT NOT NULL, os_name TEXT NOT NULL, os_version TEXT NOT NULL, os_arch TEXT NOT NULL, os_build TEXT NOT NULL, os_lang TEXT NOT NULL,
  min_disk_gib BIGINT NOT NULL, min_memory_mib BIGINT NOT NULL, min_vcpus BIGINT NOT NULL, gpu BOOLEAN NOT NULL,
  status TEXT NOT NULL, file TEXT REFERENCES image_files (uid), source TEXT NOT NULL, created BIGINT NOT NULL
);
INSERT INTO images_unfinished SELECT uid, slug, account, site, name, description, os_type, os_name, os_version, os_arch, os_build, os_lang,
  min_disk_gib, min_memory_mib, min_vcpus, gpu, status, file, source, created FROM images;
DROP TABLE images;
ALTER TABLE images_unfinished RENAME TO images;
CREATE INDEX images_account ON images (account, uid);
CREATE INDEX images_file ON images (file);
CREATE UNIQUE INDEX images_public_name ON images (name) WHERE account = '';
CREATE TABLE image_jobs (
  image TEXT PRIMARY KEY REFERENCES images (uid) ON DELETE CASCADE, account TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, url TEXT NOT NULL, operator BOOLEAN NOT NULL,
  sha256 TEXT NOT NULL, bytes BIGINT NOT NULL, wish TEXT NOT NULL, host TEXT NOT NULL, volume TEXT NOT NULL, wanted BIGINT NOT NULL, seen BIGINT NOT NULL,
  phase TEXT NOT NULL, trouble TEXT NOT NULL, error TEXT NOT NULL, tries BIGINT NOT NULL, got BIGINT NOT NULL, changed BIGINT NOT NULL
);
