CREATE TABLE nat_gateways (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, network TEXT NOT NULL REFERENCES networks (uid), site TEXT NOT NULL REFERENCES sites (uid),
  uplink TEXT NOT NULL REFERENCES lines (uid), name TEXT NOT NULL, description TEXT NOT NULL, size TEXT NOT NULL, mbps BIGINT NOT NULL, tags TEXT NOT NULL, state TEXT NOT NULL,
  wanted BIGINT NOT NULL, seen BIGINT NOT NULL, phase TEXT NOT NULL, error TEXT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX nat_gateways_account ON nat_gateways (account, uid);
CREATE INDEX nat_gateways_account_slug ON nat_gateways (account, slug);
CREATE INDEX nat_gateways_network ON nat_gateways (network, site);
ALTER TABLE public_ips ADD COLUMN gateway TEXT NOT NULL DEFAULT '';
ALTER TABLE public_ips ADD COLUMN outward BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE public_ips ADD COLUMN given BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX public_ips_gateway ON public_ips (gateway) WHERE gateway <> '';
CREATE UNIQUE INDEX public_ips_outward ON public_ips (gateway) WHERE gateway <> '' AND outward;
CREATE TABLE snat_rules (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, gateway TEXT NOT NULL REFERENCES nat_gateways (uid), name TEXT NOT NULL, source TEXT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (gateway, source)
);
CREATE TABLE dnat_rules (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, gateway TEXT NOT NULL REFERENCES nat_gateways (uid), name TEXT NOT NULL, public_ip TEXT NOT NULL REFERENCES public_ips (uid),
  protocol TEXT NOT NULL, port BIGINT NOT NULL, private TEXT NOT NULL, private_port BIGINT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (public_ip, protocol, port)
);
CREATE INDEX dnat_rules_gateway ON dnat_rules (gateway);
CREATE TABLE routes_new (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, tbl TEXT NOT NULL REFERENCES route_tables (uid), source TEXT NOT NULL, destination TEXT NOT NULL, spelled TEXT NOT NULL,
  hop_kind TEXT NOT NULL, hop TEXT NOT NULL, port TEXT REFERENCES ports (uid), gateway TEXT REFERENCES nat_gateways (uid), description TEXT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (tbl, source, destination)
);
INSERT INTO routes_new SELECT uid, slug, tbl, source, destination, spelled, hop_kind, hop, port, NULL, description, created FROM routes;
DROP TABLE routes;
ALTER TABLE routes_new RENAME TO routes;
CREATE INDEX routes_port ON routes (port);
CREATE INDEX routes_gateway ON routes (gateway);
