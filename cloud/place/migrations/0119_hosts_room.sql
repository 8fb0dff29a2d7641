-- Take walks a site's hosts from the one with the most memory left, and stops at the first that fits.
CREATE INDEX hosts_room ON hosts (site, (memory_mib - used_mib) DESC, instances, uid);
