ALTER TABLE subnets ADD COLUMN prefix6 TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX subnets_prefix6 ON subnets (prefix6) WHERE prefix6 <> '';
ALTER TABLE ports ADD COLUMN address6 TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX ports_address6 ON ports (subnet, address6) WHERE address6 <> '';
ALTER TABLE public_ips ADD COLUMN ipv6 BOOLEAN NOT NULL DEFAULT FALSE;
