CREATE TABLE networks (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, site TEXT NOT NULL REFERENCES sites (uid), name TEXT NOT NULL, description TEXT NOT NULL,
  cidr TEXT NOT NULL, kind TEXT NOT NULL, line TEXT NOT NULL, router_address TEXT NOT NULL, tags TEXT NOT NULL, revision BIGINT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX networks_account ON networks (account, uid);
CREATE INDEX networks_account_slug ON networks (account, slug);
CREATE UNIQUE INDEX networks_default ON networks (account, site) WHERE kind = 'default';
CREATE TABLE subnets (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, network TEXT NOT NULL REFERENCES networks (uid), site TEXT NOT NULL, name TEXT NOT NULL,
  description TEXT NOT NULL, cidr TEXT NOT NULL, gateway TEXT NOT NULL, dns TEXT NOT NULL, kind TEXT NOT NULL, cursor BIGINT NOT NULL, tags TEXT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (network, cidr)
);
CREATE INDEX subnets_account ON subnets (account, uid);
CREATE INDEX subnets_account_slug ON subnets (account, slug);
CREATE TABLE ports (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, network TEXT NOT NULL REFERENCES networks (uid), subnet TEXT NOT NULL REFERENCES subnets (uid),
  site TEXT NOT NULL, instance TEXT NOT NULL, position BIGINT NOT NULL, mac TEXT NOT NULL UNIQUE, address TEXT NOT NULL, wanted BIGINT NOT NULL, seen BIGINT NOT NULL,
  phase TEXT NOT NULL, error TEXT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (subnet, address)
);
CREATE INDEX ports_instance ON ports (instance, position);
CREATE INDEX ports_network ON ports (network);
CREATE TABLE security_groups (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, standard BOOLEAN NOT NULL, tags TEXT NOT NULL,
  revision BIGINT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX security_groups_account ON security_groups (account, uid);
CREATE INDEX security_groups_account_slug ON security_groups (account, slug);
CREATE UNIQUE INDEX security_groups_standard ON security_groups (account) WHERE standard;
CREATE TABLE security_rules (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, grp TEXT NOT NULL REFERENCES security_groups (uid), direction TEXT NOT NULL, ethertype TEXT NOT NULL,
  protocol TEXT NOT NULL, port_min BIGINT NOT NULL, port_max BIGINT NOT NULL, remote TEXT NOT NULL, remote_group TEXT NOT NULL, remark TEXT NOT NULL,
  created BIGINT NOT NULL, updated BIGINT NOT NULL,
  UNIQUE (grp, direction, ethertype, protocol, port_min, port_max, remote, remote_group)
);
CREATE TABLE port_groups (
  port TEXT NOT NULL REFERENCES ports (uid), grp TEXT NOT NULL REFERENCES security_groups (uid), position BIGINT NOT NULL, PRIMARY KEY (port, grp)
);
CREATE INDEX port_groups_grp ON port_groups (grp, port);
CREATE TABLE security_group_sites (grp TEXT NOT NULL, site TEXT NOT NULL, PRIMARY KEY (grp, site));
CREATE TABLE public_ips (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, site TEXT NOT NULL, line TEXT NOT NULL REFERENCES lines (uid), uplink TEXT NOT NULL, carrier TEXT NOT NULL,
  address TEXT NOT NULL, port TEXT NOT NULL, instance TEXT NOT NULL, mbps BIGINT NOT NULL, wanted BIGINT NOT NULL, seen BIGINT NOT NULL, phase TEXT NOT NULL,
  error TEXT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX public_ips_account ON public_ips (account, uid);
CREATE INDEX public_ips_instance ON public_ips (instance);
CREATE INDEX public_ips_address ON public_ips (address);
CREATE TABLE line_addresses (line TEXT NOT NULL REFERENCES lines (uid), address TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (line, address));
CREATE INDEX line_addresses_holder ON line_addresses (holder);
