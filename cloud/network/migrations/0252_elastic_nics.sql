ALTER TABLE ports ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE ports ADD COLUMN elastic TEXT NOT NULL DEFAULT '';
ALTER TABLE ports ADD COLUMN further TEXT NOT NULL DEFAULT '[]';
ALTER TABLE ports ADD COLUMN yielding BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE ports ADD COLUMN nic TEXT NOT NULL DEFAULT '';
CREATE INDEX ports_nic ON ports (nic) WHERE nic <> '';
CREATE INDEX ports_elastic ON ports (account, uid) WHERE elastic <> '';
CREATE INDEX ports_elastic_network ON ports (network, uid) WHERE elastic <> '';
CREATE INDEX ports_elastic_slug ON ports (account, slug) WHERE elastic <> '';
