-- Whom specs are addressed to. The row is the lock under which revisions grow.
CREATE TABLE link_targets (
    target     TEXT NOT NULL PRIMARY KEY,
    revision   BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX link_targets_changed ON link_targets (changed_at);
CREATE TABLE link_specs (
    target   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    uid      TEXT NOT NULL,
    revision BIGINT NOT NULL,              -- of the target at the last change; also the spec's generation
    deleted  BOOLEAN NOT NULL,             -- a tombstone, until the host says Gone
    body     TEXT NOT NULL,                -- JSON; of a tombstone the last one
    PRIMARY KEY (target, kind, uid)
);
CREATE UNIQUE INDEX link_specs_revision ON link_specs (target, revision);
CREATE TABLE link_hosts (
    uid          TEXT NOT NULL PRIMARY KEY,
    site         TEXT NOT NULL,
    public_key   TEXT NOT NULL,            -- nkey
    seq          BIGINT NOT NULL DEFAULT 0,
    heartbeat_at BIGINT NOT NULL DEFAULT 0,
    enrolled_at  BIGINT NOT NULL,
    revoked      BOOLEAN NOT NULL DEFAULT FALSE,
    facts        TEXT NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX link_hosts_key ON link_hosts (public_key);
CREATE INDEX link_hosts_site ON link_hosts (site, uid);
CREATE TABLE link_tokens (
    hash       TEXT NOT NULL PRIMARY KEY,  -- SHA-256, hex
    site       TEXT NOT NULL,
    host       TEXT NOT NULL,              -- the host that it enrols
    expires_at BIGINT NOT NULL,
    used_by    TEXT NOT NULL DEFAULT ''    -- public key
);
-- Which host carries a site's specs out.
CREATE TABLE link_roles (
    site       TEXT NOT NULL PRIMARY KEY,
    host       TEXT NOT NULL,
    epoch      BIGINT NOT NULL,            -- grows with every change of the holder
    expires_at BIGINT NOT NULL
);
