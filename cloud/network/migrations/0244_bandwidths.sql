CREATE TABLE bandwidths (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, site TEXT NOT NULL, line TEXT NOT NULL REFERENCES lines (uid), type TEXT NOT NULL, name TEXT NOT NULL,
  mbps BIGINT NOT NULL, kept BOOLEAN NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL
);
CREATE INDEX bandwidths_account ON bandwidths (account, uid);
CREATE TABLE line_uses (line TEXT PRIMARY KEY REFERENCES lines (uid), wanted BIGINT NOT NULL, seen BIGINT NOT NULL, phase TEXT NOT NULL, error TEXT NOT NULL);
ALTER TABLE public_ips ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE public_ips ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE public_ips ADD COLUMN bandwidth TEXT NOT NULL DEFAULT '';
ALTER TABLE public_ips ADD COLUMN state TEXT NOT NULL DEFAULT '';
CREATE INDEX public_ips_bandwidth ON public_ips (bandwidth);
CREATE UNIQUE INDEX public_ips_bound ON public_ips (port) WHERE instance = '' AND port <> '';
CREATE INDEX public_ips_line ON public_ips (line, state);
CREATE INDEX bandwidths_line ON bandwidths (line, account, type);
