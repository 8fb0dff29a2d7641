ALTER TABLE public_ips ADD COLUMN balancer TEXT NOT NULL DEFAULT '';
CREATE INDEX public_ips_balancer ON public_ips (balancer) WHERE balancer <> '';
CREATE TABLE port_watchers (
  port TEXT NOT NULL REFERENCES ports (uid), kind TEXT NOT NULL, uid TEXT NOT NULL,
  PRIMARY KEY (port, kind, uid)
);
CREATE INDEX port_watchers_uid ON port_watchers (kind, uid);
