CREATE TABLE sites (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  country TEXT NOT NULL, country_name TEXT NOT NULL, area TEXT NOT NULL, area_name TEXT NOT NULL, province TEXT NOT NULL, city TEXT NOT NULL,
  city_name TEXT NOT NULL, carrier TEXT NOT NULL, enabled BOOLEAN NOT NULL, created BIGINT NOT NULL
);
CREATE TABLE lines (
  uid TEXT PRIMARY KEY, site TEXT NOT NULL REFERENCES sites (uid), carrier TEXT NOT NULL, physical_network TEXT NOT NULL, vlan BIGINT NOT NULL,
  prefix TEXT NOT NULL, gateway TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, cursor BIGINT NOT NULL,
  UNIQUE (site, carrier)
);
CREATE TABLE hosts (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, site TEXT NOT NULL REFERENCES sites (uid), name TEXT NOT NULL, enabled BOOLEAN NOT NULL,
  vcpus BIGINT NOT NULL, memory_mib BIGINT NOT NULL, disk_gib BIGINT NOT NULL,
  used_vcpus BIGINT NOT NULL, used_mib BIGINT NOT NULL, used_gib BIGINT NOT NULL, instances BIGINT NOT NULL,
  facts TEXT NOT NULL, seen BIGINT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (site, name),
  CHECK (used_vcpus >= 0 AND used_mib >= 0 AND used_gib >= 0 AND instances >= 0)
);
CREATE TABLE flavors (
  uid TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, family TEXT NOT NULL, vcpus BIGINT NOT NULL, memory_mib BIGINT NOT NULL,
  gpu_model TEXT NOT NULL, gpus BIGINT NOT NULL, enabled BOOLEAN NOT NULL, created BIGINT NOT NULL
);
CREATE TABLE placement_sets (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX placement_sets_account ON placement_sets (account, uid);
CREATE TABLE placement_members (
  pset TEXT NOT NULL REFERENCES placement_sets (uid), instance TEXT NOT NULL, host TEXT NOT NULL REFERENCES hosts (uid), site TEXT NOT NULL,
  PRIMARY KEY (pset, instance), UNIQUE (pset, host)
);
CREATE INDEX placement_members_instance ON placement_members (instance);
