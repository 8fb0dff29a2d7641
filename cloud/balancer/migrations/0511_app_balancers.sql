ALTER TABLE balancer_groups ADD COLUMN kind TEXT NOT NULL DEFAULT '';
CREATE TABLE balancer_ports (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, grp TEXT NOT NULL REFERENCES balancer_groups (uid), protocol TEXT NOT NULL, port BIGINT NOT NULL, health_check TEXT NOT NULL,
  created BIGINT NOT NULL, UNIQUE (grp, protocol, port)
);
CREATE TABLE balancer_addresses (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, grp TEXT NOT NULL REFERENCES balancer_groups (uid), address TEXT NOT NULL, port BIGINT NOT NULL, weight BIGINT NOT NULL,
  created BIGINT NOT NULL, UNIQUE (grp, address, port)
);
CREATE TABLE balancer_policies (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, listener TEXT NOT NULL REFERENCES balancer_listeners (uid), grp TEXT NOT NULL REFERENCES balancer_groups (uid),
  priority BIGINT NOT NULL, description TEXT NOT NULL, created BIGINT NOT NULL
);
CREATE UNIQUE INDEX balancer_policies_listener ON balancer_policies (listener);
CREATE INDEX balancer_policies_grp ON balancer_policies (grp);
