CREATE TABLE routers (
  network TEXT NOT NULL REFERENCES networks (uid), site TEXT NOT NULL REFERENCES sites (uid), line TEXT NOT NULL, router_address TEXT NOT NULL, created BIGINT NOT NULL,
  PRIMARY KEY (network, site)
);
CREATE INDEX routers_site ON routers (site, network);
INSERT INTO routers (network, site, line, router_address, created) SELECT uid, site, line, router_address, created FROM networks;
ALTER TABLE networks ADD COLUMN home TEXT NOT NULL DEFAULT '';
UPDATE networks SET home = site;
DROP INDEX networks_default;
ALTER TABLE networks DROP COLUMN site;
ALTER TABLE networks RENAME COLUMN home TO site;
ALTER TABLE networks DROP COLUMN line;
ALTER TABLE networks DROP COLUMN router_address;
ALTER TABLE networks ADD COLUMN managed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE UNIQUE INDEX networks_default ON networks (account, site) WHERE kind = 'default';
CREATE UNIQUE INDEX networks_spanning_name ON networks (account, name) WHERE site = '';
