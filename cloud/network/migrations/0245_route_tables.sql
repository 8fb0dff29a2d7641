CREATE TABLE route_tables (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, network TEXT NOT NULL REFERENCES networks (uid), name TEXT NOT NULL, description TEXT NOT NULL,
  kind TEXT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX route_tables_account ON route_tables (account, uid);
CREATE INDEX route_tables_network ON route_tables (network);
CREATE UNIQUE INDEX route_tables_default ON route_tables (network) WHERE kind = 'default';
CREATE TABLE route_table_subnets (subnet TEXT PRIMARY KEY REFERENCES subnets (uid), tbl TEXT NOT NULL REFERENCES route_tables (uid));
CREATE INDEX route_table_subnets_tbl ON route_table_subnets (tbl);
CREATE TABLE routes (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, tbl TEXT NOT NULL REFERENCES route_tables (uid), source TEXT NOT NULL, destination TEXT NOT NULL, spelled TEXT NOT NULL,
  hop_kind TEXT NOT NULL, hop TEXT NOT NULL, port TEXT NOT NULL REFERENCES ports (uid), description TEXT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (tbl, source, destination)
);
CREATE INDEX routes_port ON routes (port);
INSERT INTO route_tables (uid, slug, account, network, name, description, kind, created)
  SELECT 'f' || SUBSTR(uid, 2), SUBSTR(slug, 2) || 'r', account, uid, 'default', '', 'default', created FROM networks;
