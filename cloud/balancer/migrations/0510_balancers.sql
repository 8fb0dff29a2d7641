CREATE TABLE balancers (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, type TEXT NOT NULL, serves TEXT NOT NULL, site TEXT NOT NULL REFERENCES sites (uid),
  network TEXT NOT NULL REFERENCES networks (uid), subnet TEXT NOT NULL REFERENCES subnets (uid), port TEXT NOT NULL REFERENCES ports (uid), name TEXT NOT NULL,
  description TEXT NOT NULL, mbps BIGINT NOT NULL, state TEXT NOT NULL, wanted BIGINT NOT NULL, seen BIGINT NOT NULL, phase TEXT NOT NULL, error TEXT NOT NULL,
  revision BIGINT NOT NULL, health TEXT NOT NULL, created BIGINT NOT NULL
);
CREATE INDEX balancers_account ON balancers (account, uid);
CREATE INDEX balancers_account_slug ON balancers (account, slug);
CREATE UNIQUE INDEX balancers_port ON balancers (port);
CREATE INDEX balancers_network ON balancers (network, site);
CREATE INDEX balancers_subnet ON balancers (subnet);
CREATE TABLE balancer_groups (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, balancer TEXT NOT NULL REFERENCES balancers (uid), name TEXT NOT NULL, description TEXT NOT NULL, standard BOOLEAN NOT NULL,
  created BIGINT NOT NULL
);
CREATE INDEX balancer_groups_balancer ON balancer_groups (balancer);
CREATE UNIQUE INDEX balancer_groups_standard ON balancer_groups (balancer) WHERE standard;
CREATE TABLE balancer_members (
  uid TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, grp TEXT NOT NULL REFERENCES balancer_groups (uid), port TEXT NOT NULL, weight BIGINT NOT NULL,
  created BIGINT NOT NULL, UNIQUE (grp, port)
);
CREATE INDEX balancer_members_port ON balancer_members (port);
CREATE TABLE balancer_listeners (
  uid TEXT PRIMARY KEY, balancer TEXT NOT NULL REFERENCES balancers (uid), transport TEXT NOT NULL, protocol TEXT NOT NULL, port BIGINT NOT NULL, scheduler TEXT NOT NULL,
  timeout_seconds BIGINT NOT NULL, backend_port BIGINT NOT NULL, health_check TEXT NOT NULL, created BIGINT NOT NULL,
  UNIQUE (balancer, transport, port)
);
