ALTER TABLE subnets ADD COLUMN dhcp BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE subnets ADD COLUMN primary_dns TEXT NOT NULL DEFAULT '';
ALTER TABLE subnets ADD COLUMN secondary_dns TEXT NOT NULL DEFAULT '';
ALTER TABLE subnets ADD COLUMN wanted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE subnets ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;
ALTER TABLE subnets ADD COLUMN phase TEXT NOT NULL DEFAULT 'pending';
ALTER TABLE subnets ADD COLUMN error TEXT NOT NULL DEFAULT '';
ALTER TABLE ports ADD COLUMN kind TEXT NOT NULL DEFAULT 'nic';
ALTER TABLE ports ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE ports ADD COLUMN allowed_pairs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE ports ADD COLUMN doomed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX ports_account ON ports (account, uid);
CREATE INDEX ports_subnet_kind ON ports (subnet, kind);
CREATE TABLE virtual_ip_members (vip TEXT NOT NULL REFERENCES ports (uid), port TEXT NOT NULL REFERENCES ports (uid), PRIMARY KEY (vip, port));
CREATE INDEX virtual_ip_members_port ON virtual_ip_members (port);
INSERT INTO ports (uid, slug, account, network, subnet, site, instance, position, mac, address, wanted, seen, phase, error, created, kind)
  SELECT 'f' || SUBSTR(uid, 2), 'g' || SUBSTR(slug, 2), account, network, uid, site, '', 0,
    '06:' || SUBSTR(uid, 27, 2) || ':' || SUBSTR(uid, 29, 2) || ':' || SUBSTR(uid, 31, 2) || ':' || SUBSTR(uid, 33, 2) || ':' || SUBSTR(uid, 35, 2),
    gateway, 0, 0, 'pending', '', created, 'gateway' FROM subnets;
CREATE TABLE security_rules_new (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, grp TEXT NOT NULL REFERENCES security_groups (uid), direction TEXT NOT NULL, ethertype TEXT NOT NULL,
  protocol TEXT NOT NULL, port_min BIGINT NOT NULL, port_max BIGINT NOT NULL, remote TEXT NOT NULL, remote_group TEXT NOT NULL, remark TEXT NOT NULL,
  created BIGINT NOT NULL, updated BIGINT NOT NULL, deny BOOLEAN NOT NULL, priority BIGINT NOT NULL, spelled TEXT NOT NULL,
  UNIQUE (grp, direction, ethertype, protocol, port_min, port_max, remote, remote_group, deny, priority)
);
INSERT INTO security_rules_new SELECT uid, slug, grp, direction, ethertype, protocol, port_min, port_max, remote, remote_group, remark, created, updated, FALSE, 1, '{}' FROM security_rules;
UPDATE security_rules_new SET port_min = 0, port_max = 0 WHERE port_min = 1 AND port_max = 65535;
DROP TABLE security_rules;
ALTER TABLE security_rules_new RENAME TO security_rules;
DELETE FROM quota_use WHERE name = 'security_group_rules';
INSERT INTO quota_use (account, name, scope, used)
  SELECT g.account, 'security_group_rules', g.uid || '/' || r.direction, COUNT(*) FROM security_rules AS r JOIN security_groups AS g ON g.uid = r.grp GROUP BY g.account, g.uid, r.direction;
