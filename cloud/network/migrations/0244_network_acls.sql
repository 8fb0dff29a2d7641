CREATE TABLE network_acls (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, network TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
  enabled BOOLEAN NOT NULL, ingress TEXT NOT NULL, egress TEXT NOT NULL, revision BIGINT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX network_acls_account ON network_acls (account, uid);
CREATE TABLE network_acl_rules (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, acl TEXT NOT NULL REFERENCES network_acls (uid), subnet TEXT NOT NULL, direction TEXT NOT NULL, position BIGINT NOT NULL, name TEXT NOT NULL,
  description TEXT NOT NULL, enabled BOOLEAN NOT NULL, action TEXT NOT NULL, ipv6 BOOLEAN NOT NULL, protocol TEXT NOT NULL, source TEXT NOT NULL, destination TEXT NOT NULL,
  source_ports TEXT NOT NULL, destination_ports TEXT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (acl, subnet, direction, position)
);
CREATE TABLE network_acl_subnets (subnet TEXT PRIMARY KEY REFERENCES subnets (uid), acl TEXT NOT NULL REFERENCES network_acls (uid));
CREATE INDEX network_acl_subnets_acl ON network_acl_subnets (acl);
CREATE TABLE network_acl_sites (acl TEXT NOT NULL REFERENCES network_acls (uid), site TEXT NOT NULL, PRIMARY KEY (acl, site));
