package check

// resting are the states in which an instance may stay.
const resting = "('running', 'stopped', 'failed')"

// always holds at every moment: each change keeps it inside its own transaction.
var always = []rule{
	{"quota use is the sum of rows", `WITH counted AS (
		SELECT account, 'instances' AS name, '' AS scope, COUNT(*) AS n FROM instances GROUP BY account
		UNION ALL SELECT account, 'vcpus', '', SUM(vcpus) FROM instances GROUP BY account
		UNION ALL SELECT account, 'memory_gib', '', SUM(memory_mib / 1024) FROM instances GROUP BY account
		UNION ALL SELECT account, 'groups', '', COUNT(*) FROM groups GROUP BY account
		UNION ALL SELECT account, 'volumes', '', COUNT(*) FROM volumes GROUP BY account
		UNION ALL SELECT account, 'volume_gib', '', SUM(gib) FROM volumes GROUP BY account
		UNION ALL SELECT account, 'public_ips', '', COUNT(*) FROM public_ips GROUP BY account
		UNION ALL SELECT account, 'bandwidths', '', COUNT(*) FROM bandwidths GROUP BY account
		UNION ALL SELECT account, 'bandwidth_mbps', '', SUM(mbps) FROM bandwidths GROUP BY account
		UNION ALL SELECT account, 'key_pairs', '', COUNT(*) FROM key_pairs GROUP BY account
		UNION ALL SELECT account, 'snapshots', '', COUNT(*) FROM snapshots GROUP BY account
		UNION ALL SELECT account, 'images', '', COUNT(*) FROM images WHERE account <> '' GROUP BY account
		UNION ALL SELECT account, 'elastic_nics', '', COUNT(*) FROM ports WHERE elastic <> '' GROUP BY account
		UNION ALL SELECT account, 'nat_gateways', '', COUNT(*) FROM nat_gateways GROUP BY account
		UNION ALL SELECT g.account, 'nat_rules', g.uid, COUNT(*) FROM (SELECT gateway FROM snat_rules UNION ALL SELECT gateway FROM dnat_rules) AS r JOIN nat_gateways AS g ON g.uid = r.gateway
			GROUP BY g.account, g.uid
		UNION ALL SELECT account, 'balancers', '', COUNT(*) FROM balancers GROUP BY account
		UNION ALL SELECT b.account, 'balancer_listeners', b.uid, COUNT(*) FROM balancer_listeners AS l JOIN balancers AS b ON b.uid = l.balancer GROUP BY b.account, b.uid
		UNION ALL SELECT b.account, 'balancer_groups', b.uid, COUNT(*) FROM balancer_groups AS g JOIN balancers AS b ON b.uid = g.balancer WHERE NOT g.standard GROUP BY b.account, b.uid
		UNION ALL SELECT b.account, 'balancer_members', b.uid, COUNT(*) FROM (SELECT grp FROM balancer_members UNION ALL SELECT grp FROM balancer_addresses) AS m JOIN balancer_groups AS g ON g.uid = m.grp JOIN balancers AS b ON b.uid = g.balancer
			GROUP BY b.account, b.uid
		UNION ALL SELECT account, 'placement_sets', '', COUNT(*) FROM placement_sets GROUP BY account
		UNION ALL SELECT account, 'edge_clouds', '', COUNT(*) FROM edge_clouds GROUP BY account
		UNION ALL SELECT account, 'networks', site, COUNT(*) FROM networks WHERE site <> '' GROUP BY account, site
		UNION ALL SELECT s.account, 'subnets', s.network, COUNT(*) FROM subnets AS s JOIN networks AS n ON n.uid = s.network WHERE s.kind <> 'default' AND n.site <> '' GROUP BY s.account, s.network
		UNION ALL SELECT account, 'total_networks', '', COUNT(*) FROM networks GROUP BY account
		UNION ALL SELECT account, 'total_subnets', '', COUNT(*) FROM subnets WHERE kind <> 'default' GROUP BY account
		UNION ALL SELECT g.account, 'total_security_group_rules', '', COUNT(*) FROM security_rules AS r JOIN security_groups AS g ON g.uid = r.grp GROUP BY g.account
		UNION ALL SELECT account, 'security_groups', '', COUNT(*) FROM security_groups GROUP BY account
		UNION ALL SELECT account, 'network_acls', '', COUNT(*) FROM network_acls WHERE network = '' GROUP BY account
		UNION ALL SELECT a.account, 'network_acl_rules', CASE r.direction WHEN 'ingress' THEN a.ingress ELSE a.egress END, COUNT(*) FROM network_acl_rules AS r
			JOIN network_acls AS a ON a.uid = r.acl GROUP BY a.account, a.ingress, a.egress, r.direction
		UNION ALL SELECT account, 'route_tables', network, COUNT(*) FROM route_tables WHERE kind <> 'default' GROUP BY account, network
		UNION ALL SELECT t.account, 'routes', t.uid, COUNT(*) FROM routes AS r JOIN route_tables AS t ON t.uid = r.tbl GROUP BY t.account, t.uid
		UNION ALL SELECT g.account, 'security_group_rules', g.uid || '/' || r.direction, COUNT(*) FROM security_rules AS r JOIN security_groups AS g ON g.uid = r.grp GROUP BY g.account, g.uid, r.direction
	), both_sides AS (
		SELECT account, name, scope, n, 0 AS used FROM counted UNION ALL SELECT account, name, scope, 0, used FROM quota_use
	) SELECT 'account' AS kind, account AS uid, name || ' ' || scope || ': ' || SUM(used) || ' counted, ' || SUM(n) || ' rows' AS text
		FROM both_sides GROUP BY account, name, scope HAVING SUM(n) <> SUM(used)`},
	{"host use is the sum of instances", `SELECT 'host' AS kind, h.uid AS uid, 'used ' || h.used_vcpus || '/' || h.used_mib || '/' || h.used_gib || ' by ' || h.instances
			|| ', rows say ' || COALESCE(s.c, 0) || '/' || COALESCE(s.m, 0) || '/' || COALESCE(s.d, 0) || ' by ' || COALESCE(s.n, 0) AS text
		FROM hosts AS h LEFT JOIN (SELECT host, SUM(n) AS n, SUM(vcpus) AS c, SUM(memory_mib) AS m, SUM(disk_gib) AS d
			FROM (SELECT host, 1 AS n, vcpus, memory_mib, disk_gib FROM instances UNION ALL SELECT host, 0, 0, 0, gib FROM volumes WHERE instance = '' AND host <> ''
				UNION ALL SELECT s.host, 0, 0, 0, d.gib FROM snapshot_disks AS d JOIN snapshots AS s ON s.uid = d.snapshot) AS held GROUP BY host) AS s ON s.host = h.uid
		WHERE h.instances <> COALESCE(s.n, 0) OR h.used_vcpus <> COALESCE(s.c, 0) OR h.used_mib <> COALESCE(s.m, 0) OR h.used_gib <> COALESCE(s.d, 0)`},
	{"an instance's disks are the sum of its volumes", `SELECT 'instance' AS kind, i.uid AS uid, i.disk_gib || ' GiB, volumes have ' || COALESCE(SUM(v.gib), 0) AS text
		FROM instances AS i LEFT JOIN volumes AS v ON v.instance = i.uid GROUP BY i.uid, i.disk_gib HAVING i.disk_gib <> COALESCE(SUM(v.gib), 0)`},
	{"every port has an owner", `SELECT 'port' AS kind, uid, 'its instance ' || instance || ' is gone' AS text FROM ports WHERE instance <> '' AND instance NOT IN (SELECT uid FROM instances)`},
	{"a volume stands alone or is on an instance of its host", `SELECT 'volume' AS kind, v.uid AS uid, 'it is "' || v.hold || '" on "' || v.instance || '" at "' || v.host || '"' AS text FROM volumes AS v
		WHERE (v.hold = 'loose') <> (v.instance = '') OR v.doomed AND v.hold <> 'loose' OR v.instance <> '' AND NOT EXISTS (SELECT 1 FROM instances AS i WHERE i.uid = v.instance AND i.host = v.host)`},
	{"every volume has an owner", `SELECT 'volume' AS kind, uid, 'its instance ' || instance || ' is gone' AS text FROM volumes WHERE instance <> '' AND instance NOT IN (SELECT uid FROM instances)`},
	{"a snapshot is in disks of its host", `SELECT 'snapshot' AS kind, s.uid AS uid, 'it is ' || s.state || ' and in no disk' AS text FROM snapshots AS s
			WHERE s.state <> 'deleting' AND NOT EXISTS (SELECT 1 FROM snapshot_disks AS d WHERE d.snapshot = s.uid)
		UNION ALL SELECT 'snapshot', s.uid, 'its disk ' || d.volume || ' is gone or elsewhere' FROM snapshots AS s JOIN snapshot_disks AS d ON d.snapshot = s.uid
			WHERE NOT EXISTS (SELECT 1 FROM volumes AS v WHERE v.uid = d.volume AND v.host = s.host AND NOT v.doomed)`},
	{"disks are rolled back to what rolls back", `SELECT 'volume' AS kind, v.uid AS uid, 'it is rolled back to ' || v.rollback_to || ', which does not roll back' AS text FROM volumes AS v
		LEFT JOIN instances AS i ON i.uid = v.instance WHERE v.rollback_to <> '' AND COALESCE(i.state, '') <> 'deleting'
			AND NOT EXISTS (SELECT 1 FROM snapshots AS s WHERE s.uid = v.rollback_to AND s.state = 'rolling-back')`},
	{"snapshots that are under way have work", `SELECT 'snapshot' AS kind, uid, 'it is ' || state || ' and nothing will look at it' AS text FROM snapshots
		WHERE state NOT IN ('created', 'failed') AND uid NOT IN (SELECT uid FROM work WHERE kind = 'snapshot')`},
	{"every public address has an owner", `SELECT 'public_ip' AS kind, a.uid AS uid, 'its instance ' || a.instance || ' or port ' || a.port || ' is gone, or they differ' AS text FROM public_ips AS a
		WHERE a.instance <> '' AND NOT EXISTS (SELECT 1 FROM ports AS p JOIN instances AS i ON i.uid = p.instance WHERE p.uid = a.port AND i.uid = a.instance)`},
	{"a public IPv6 address leads to one of a port that goes with the same instance", `SELECT 'public_ip' AS kind, a.uid AS uid, 'its port ' || a.port || ' has no IPv6 address' AS text FROM public_ips AS a
		WHERE a.ipv6 AND NOT EXISTS (SELECT 1 FROM ports AS p WHERE p.uid = a.port AND p.instance = a.instance AND p.address6 <> '') OR a.ipv6 <> (a.address LIKE '%:%')`},
	{"a port's IPv6 address is of its subnet's range", `SELECT 'port' AS kind, p.uid AS uid, p.address6 || ' is not of "' || s.prefix6 || '"' AS text FROM ports AS p JOIN subnets AS s ON s.uid = p.subnet
		WHERE p.address6 <> '' AND (s.prefix6 = '' OR p.address6 NOT LIKE REPLACE(s.prefix6, '::/64', ':%'))`},
	{"a public address that stands alone is bound as its state says", `SELECT 'public_ip' AS kind, a.uid AS uid, 'it is ' || a.state || ' with the port "' || a.port || '"' AS text FROM public_ips AS a
		WHERE a.instance = '' AND a.balancer = '' AND ((a.state IN ('creating', 'free', 'failed')) <> (a.port = '' AND a.gateway = '') OR a.port <> '' AND NOT EXISTS (SELECT 1 FROM ports AS p WHERE p.uid = a.port AND p.site = a.site))
		OR (a.instance <> '' OR a.balancer <> '') AND a.state <> ''`},
	{"a public address of a NAT gateway is where that is", `SELECT 'public_ip' AS kind, a.uid AS uid, 'it is ' || a.state || ' with the gateway "' || a.gateway || '"' AS text FROM public_ips AS a
			WHERE a.gateway <> '' AND (a.port <> '' OR a.instance <> '' OR a.bandwidth <> '' OR NOT EXISTS (SELECT 1 FROM nat_gateways AS g WHERE g.uid = a.gateway AND g.site = a.site AND g.account = a.account))
			OR a.gateway = '' AND (a.state = 'unbinding' OR a.outward OR a.given) OR a.state = 'unbinding' AND (a.outward OR a.given)
		UNION ALL SELECT 'dnat_rule', r.uid, 'it leads from ' || a.address || ', which is not its gateway''s' FROM dnat_rules AS r JOIN public_ips AS a ON a.uid = r.public_ip
			WHERE a.gateway <> r.gateway OR a.state = 'unbinding'`},
	{"a NAT gateway's spec has its addresses", `SELECT 'nat_gateway' AS kind, s.uid AS uid, 'its spec has not its address ' || a.address || ', or has it against its will' AS text FROM public_ips AS a
			JOIN link_specs AS s ON s.target = 'site.' || a.site AND s.kind = 'nat_gateway' AND s.uid = a.gateway AND NOT s.deleted WHERE a.gateway <> '' AND (
				(a.outward OR EXISTS (SELECT 1 FROM dnat_rules AS r WHERE r.public_ip = a.uid)) <> (s.body LIKE '%"address":"' || a.address || '"%'))
		UNION ALL SELECT 'nat_gateway', s.uid, 'its spec leads elsewhere than its rule to ' || r.private FROM dnat_rules AS r
			JOIN link_specs AS s ON s.kind = 'nat_gateway' AND s.uid = r.gateway AND NOT s.deleted WHERE s.body NOT LIKE '%"private":"' || r.private || '"%'`},
	{"what a public address shares is of its account and line", `SELECT 'public_ip' AS kind, a.uid AS uid, 'it is in ' || a.bandwidth AS text FROM public_ips AS a
		WHERE a.bandwidth <> '' AND NOT EXISTS (SELECT 1 FROM bandwidths AS b WHERE b.uid = a.bandwidth AND b.account = a.account AND b.line = a.line)`},
	{"bandwidths that nobody keeps go with their last address", `SELECT 'bandwidth' AS kind, uid, 'it is empty' AS text FROM bandwidths
		WHERE NOT kept AND uid NOT IN (SELECT bandwidth FROM public_ips)`},
	{"every instance has a port and a disk", `SELECT 'instance' AS kind, i.uid AS uid, 'it lacks a port or a disk' AS text FROM instances AS i
		WHERE NOT EXISTS (SELECT 1 FROM ports AS p WHERE p.instance = i.uid) OR NOT EXISTS (SELECT 1 FROM volumes AS v WHERE v.instance = i.uid)`},
	{"every port is in a security group", `SELECT 'port' AS kind, uid, 'it is in none' AS text FROM ports WHERE kind = 'nic' AND uid NOT IN (SELECT port FROM port_groups)`},
	{"every subnet has a gateway port", `SELECT 'subnet' AS kind, s.uid AS uid, 'its gateway ' || s.gateway || ' is held by ' || COUNT(p.uid) || ' ports' AS text FROM subnets AS s
		LEFT JOIN ports AS p ON p.subnet = s.uid AND p.kind = 'gateway' AND p.address = s.gateway GROUP BY s.uid, s.gateway HAVING COUNT(p.uid) <> 1`},
	{"members of virtual IPs are NICs of their subnet", `SELECT 'port' AS kind, m.port AS uid, 'it is a member of ' || m.vip AS text FROM virtual_ip_members AS m JOIN ports AS v ON v.uid = m.vip
		JOIN ports AS p ON p.uid = m.port WHERE v.kind <> 'virtual' OR v.doomed OR p.kind <> 'nic' OR p.subnet <> v.subnet`},
	{"only virtual IPs are doomed", `SELECT 'port' AS kind, p.uid AS uid, 'doomed and ' || p.kind || ', or nothing will forget it' AS text FROM ports AS p WHERE p.doomed AND p.kind <> 'further' AND (p.kind <> 'virtual'
		OR NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || p.site AND s.kind = 'virtual_ip' AND s.uid = p.uid AND s.deleted))`},
	{"elastic NICs are where their hold says", `SELECT 'port' AS kind, p.uid AS uid, p.kind || ', ' || p.elastic || ' and on the instance "' || p.instance || '"' AS text FROM ports AS p
		LEFT JOIN instances AS i ON i.uid = p.instance WHERE p.elastic <> '' AND (p.kind <> 'nic' OR (p.elastic = 'loose') <> (p.instance = '')
			OR p.elastic = 'detaching' AND i.leaving NOT LIKE '%' || p.uid || '%' OR p.elastic IN ('attaching', 'attached') AND i.leaving LIKE '%' || p.uid || '%')`},
	{"further addresses are those of their NIC", `SELECT 'port' AS kind, f.uid AS uid, f.address || ' is none of ' || f.nic || ', or nothing will free it' AS text FROM ports AS f LEFT JOIN ports AS p ON p.uid = f.nic AND p.kind = 'nic'
			WHERE (f.kind = 'further' OR f.nic <> '' AND f.kind <> 'balancer') AND (p.uid IS NULL OR f.kind <> 'further' OR p.subnet <> f.subnet OR p.account <> f.account OR f.instance <> ''
				OR f.doomed AND NOT p.yielding OR f.doomed = (p.further LIKE '%"' || f.address || '"%'))
		UNION ALL SELECT 'port', p.uid, 'it has ' || p.further || ' and holds ' || COUNT(f.uid) FROM ports AS p LEFT JOIN ports AS f ON f.nic = p.uid AND NOT f.doomed
			GROUP BY p.uid, p.further HAVING LENGTH(p.further) - LENGTH(REPLACE(p.further, '"', '')) <> 2 * COUNT(f.uid)
		UNION ALL SELECT 'port', p.uid, 'its site was never told of the address that it lost' FROM ports AS p WHERE p.yielding
			AND NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || p.site AND s.kind = 'port' AND s.uid = p.uid)`},
	{"a NIC's spec names its further addresses", `SELECT 'port' AS kind, f.nic AS uid, f.address || ' is in its spec as it should not be' AS text FROM ports AS f
		JOIN link_specs AS s ON s.target = 'site.' || f.site AND s.kind = 'port' AND s.uid = f.nic AND NOT s.deleted WHERE f.kind = 'further' AND f.doomed = (s.body LIKE '%"' || f.address || '"%')`},
	{"every lease has a holder", `SELECT 'lease' AS kind, address AS uid, 'its holder ' || holder || ' is gone' AS text FROM line_addresses
		WHERE holder NOT IN (SELECT uid FROM public_ips) AND holder NOT IN (SELECT r.network FROM routers AS r JOIN lines AS l ON l.site = r.site WHERE l.uid = line) AND holder NOT IN (SELECT uid FROM link_specs WHERE deleted)`},
	{"every public address that stands alone is leased", `SELECT 'public_ip' AS kind, a.uid AS uid, a.address || ' is not leased to it' AS text FROM public_ips AS a
		WHERE a.instance = '' AND NOT EXISTS (SELECT 1 FROM balancers AS b WHERE b.uid = a.balancer AND b.state = 'deleting') AND NOT EXISTS (SELECT 1 FROM line_addresses AS l WHERE l.line = a.line AND l.address = a.address AND l.holder = a.uid)`},
	{"every public address is leased", `SELECT 'public_ip' AS kind, a.uid AS uid, a.address || ' is not leased to it' AS text FROM public_ips AS a JOIN instances AS i ON i.uid = a.instance
		WHERE i.state <> 'deleting' AND NOT EXISTS (SELECT 1 FROM line_addresses AS l WHERE l.line = a.line AND l.address = a.address AND l.holder = a.uid)`},
	{"what is under way has work", `SELECT 'instance' AS kind, uid, 'it is ' || state || ' and nothing will look at it' AS text FROM instances
		WHERE (dirty OR state NOT IN ` + resting + `) AND uid NOT IN (SELECT uid FROM work WHERE kind = 'instance')`},
	{"NAT gateways that are under way have work", `SELECT 'nat_gateway' AS kind, uid, 'it is ' || state || ' and nothing will look at it' AS text FROM nat_gateways
		WHERE state IN ('starting', 'changing', 'deleting') AND uid NOT IN (SELECT uid FROM work WHERE kind = 'nat_gateway')`},
	{"balancers that are under way have work", `SELECT 'balancer' AS kind, uid, 'it is ' || state || ' and nothing will look at it' AS text FROM balancers
		WHERE state IN ('starting', 'changing', 'deleting') AND uid NOT IN (SELECT uid FROM work WHERE kind = 'balancer')`},
	{"a balancer has its port and addresses", `SELECT 'balancer' AS kind, b.uid AS uid, 'its port ' || b.port || ' is not its own' AS text FROM balancers AS b
			LEFT JOIN ports AS p ON p.uid = b.port WHERE p.uid IS NULL OR p.kind <> 'balancer' OR p.nic <> b.uid OR p.site <> b.site OR p.subnet <> b.subnet OR p.account <> b.account
		UNION ALL SELECT 'port', uid, 'its balancer ' || nic || ' is gone' FROM ports WHERE kind = 'balancer' AND nic NOT IN (SELECT uid FROM balancers)
		UNION ALL SELECT 'public_ip', a.uid, 'its balancer ' || a.balancer || ' is gone, or has another port' FROM public_ips AS a
			LEFT JOIN balancers AS b ON b.uid = a.balancer WHERE a.balancer <> '' AND (b.uid IS NULL OR b.port <> a.port OR b.account <> a.account OR a.instance <> '' OR a.gateway <> '')`},
	{"a balancer's members are ports of its network that it watches", `SELECT 'balancer' AS kind, b.uid AS uid, 'its member ' || m.port || ' is elsewhere, or nothing will take it out' AS text FROM balancer_members AS m
		JOIN balancer_groups AS g ON g.uid = m.grp JOIN balancers AS b ON b.uid = g.balancer LEFT JOIN ports AS p ON p.uid = m.port
		LEFT JOIN port_watchers AS w ON w.port = m.port AND w.kind = 'balancer' AND w.uid = b.uid
		WHERE b.state <> 'deleting' AND (w.uid IS NULL AND b.uid NOT IN (SELECT uid FROM work WHERE kind = 'balancer') OR w.uid IS NOT NULL AND (p.site <> b.site OR p.network <> b.network OR p.account <> b.account))`},
	{"operations run for what is under way", `SELECT 'operation' AS kind, o.uid AS uid, o.verb || ' of ' || o.target || ' runs, which is ' || COALESCE(i.state, 'gone') AS text
		FROM operations AS o LEFT JOIN instances AS i ON i.uid = o.target WHERE o.status = 'running' AND o.kind = 'instance' AND (i.uid IS NULL OR i.state IN ` + resting + `)`},
	{"what is under way has one operation", `SELECT 'instance' AS kind, i.uid AS uid, 'it is ' || i.state || ' with ' || COUNT(o.uid) || ' operations' AS text
		FROM instances AS i LEFT JOIN operations AS o ON o.target = i.uid AND o.status = 'running' WHERE i.state NOT IN ` + resting + ` GROUP BY i.uid, i.state HAVING COUNT(o.uid) <> 1`},
	{"every network and subnet has a spec", `SELECT 'network' AS kind, n.network AS uid, 'no live spec at ' || n.site AS text FROM routers AS n
			WHERE NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || n.site AND s.kind = 'network' AND s.uid = n.network AND NOT s.deleted)
		UNION ALL SELECT 'subnet', n.uid, 'no live spec' FROM subnets AS n
			WHERE NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || n.site AND s.kind = 'subnet' AND s.uid = n.uid AND NOT s.deleted)
		UNION ALL SELECT 'network_acl', n.acl, 'no live spec at ' || n.site FROM network_acl_sites AS n
			WHERE NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || n.site AND s.kind = 'network_acl' AND s.uid = n.acl AND NOT s.deleted)
		UNION ALL SELECT 'security_group', n.grp, 'no live spec at ' || n.site FROM security_group_sites AS n
			WHERE NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || n.site AND s.kind = 'security_group' AND s.uid = n.grp AND NOT s.deleted)`},
	{"what was written has a spec", `SELECT 'instance' AS kind, i.uid AS uid, 'generation ' || i.wanted || ' has no live spec' AS text FROM instances AS i WHERE i.wanted > 0 AND i.state <> 'deleting'
			AND NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'host.' || i.host AND s.kind = 'instance' AND s.uid = i.uid AND NOT s.deleted AND s.revision >= i.wanted)
		UNION ALL SELECT 'volume', v.uid, 'generation ' || v.wanted || ' has no live spec' FROM volumes AS v JOIN instances AS i ON i.uid = v.instance WHERE v.wanted > 0 AND i.state <> 'deleting'
			AND NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'host.' || v.host AND s.kind = 'volume' AND s.uid = v.uid AND NOT s.deleted AND s.revision >= v.wanted)
		UNION ALL SELECT 'port', p.uid, 'generation ' || p.wanted || ' has no live spec' FROM ports AS p JOIN instances AS i ON i.uid = p.instance WHERE p.wanted > 0 AND i.state <> 'deleting' AND i.leaving NOT LIKE '%' || p.uid || '%'
			AND NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || p.site AND s.kind = 'port' AND s.uid = p.uid AND NOT s.deleted AND s.revision >= p.wanted)
		UNION ALL SELECT 'virtual_ip', p.uid, 'generation ' || p.wanted || ' has no live spec' FROM ports AS p WHERE p.kind = 'virtual' AND NOT p.doomed
			AND NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || p.site AND s.kind = 'virtual_ip' AND s.uid = p.uid AND NOT s.deleted AND s.revision >= p.wanted)
		UNION ALL SELECT 'public_ip', a.uid, 'generation ' || a.wanted || ' has no live spec' FROM public_ips AS a JOIN instances AS i ON i.uid = a.instance WHERE a.wanted > 0 AND i.state <> 'deleting'
			AND NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || a.site AND s.kind = 'public_ip' AND s.uid = a.uid AND NOT s.deleted AND s.revision >= a.wanted)
		UNION ALL SELECT 'public_ip', a.uid, 'it is bound, and generation ' || a.wanted || ' has no live spec' FROM public_ips AS a WHERE a.instance = '' AND a.port <> '' AND NOT EXISTS (SELECT 1 FROM balancers AS b WHERE b.uid = a.balancer AND b.state = 'deleting')
			AND NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || a.site AND s.kind = 'public_ip' AND s.uid = a.uid AND NOT s.deleted AND s.revision >= a.wanted)
		UNION ALL SELECT 'nat_gateway', g.uid, 'it is ' || g.state || ', and generation ' || g.wanted || ' has no live spec, or one has it that should not' FROM nat_gateways AS g
			WHERE (g.state <> 'deleting') <> EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || g.site AND s.kind = 'nat_gateway' AND s.uid = g.uid AND NOT s.deleted AND s.revision >= g.wanted)
		UNION ALL SELECT 'balancer', b.uid, 'it is ' || b.state || ', and generation ' || b.wanted || ' has no live spec, or one has it that should not' FROM balancers AS b
			WHERE (b.state <> 'deleting') <> EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || b.site AND s.kind = 'balancer' AND s.uid = b.uid AND NOT s.deleted AND s.revision >= b.wanted)
		UNION ALL SELECT 'snapshot', n.uid, 'it is ' || n.state || ', and generation ' || n.wanted || ' has no live spec, or one has it that should not' FROM snapshots AS n
			WHERE (n.state NOT IN ('deleting', 'failed')) <> EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'host.' || n.host AND s.kind = 'snapshot' AND s.uid = n.uid AND NOT s.deleted AND s.revision >= n.wanted)
		UNION ALL SELECT 'bandwidth', b.uid, 'no live spec' FROM bandwidths AS b
			WHERE NOT EXISTS (SELECT 1 FROM link_specs AS s WHERE s.target = 'site.' || b.site AND s.kind = 'bandwidth' AND s.uid = b.uid AND NOT s.deleted)`},
	{"a subnet's spec names its guard", `SELECT 'subnet' AS kind, n.uid AS uid, 'its spec names another network ACL than ' || COALESCE(a.uid, 'none') AS text FROM subnets AS n
		JOIN link_specs AS s ON s.target = 'site.' || n.site AND s.kind = 'subnet' AND s.uid = n.uid AND NOT s.deleted
		LEFT JOIN network_acl_subnets AS b ON b.subnet = n.uid LEFT JOIN network_acls AS a ON a.uid = b.acl AND a.enabled
		WHERE (a.uid IS NULL AND s.body LIKE '%"acl":%') OR (a.uid IS NOT NULL AND s.body NOT LIKE '%"acl":"' || a.uid || '"%')`},
	{"every network has a default route table", `SELECT 'network' AS kind, n.uid AS uid, 'it has none' AS text FROM networks AS n
		WHERE NOT EXISTS (SELECT 1 FROM route_tables AS t WHERE t.network = n.uid AND t.kind = 'default')`},
	{"routes and route tables stay on their network", `SELECT 'route' AS kind, r.uid AS uid, 'it leads to the port ' || p.uid || ', which is of another network or on its way out' AS text
			FROM routes AS r JOIN route_tables AS t ON t.uid = r.tbl JOIN ports AS p ON p.uid = r.port WHERE p.network <> t.network OR p.doomed
		UNION ALL SELECT 'route', r.uid, 'it leads to the NAT gateway ' || g.uid || ', which is of another network, on its way out or without an address' FROM routes AS r
			JOIN route_tables AS t ON t.uid = r.tbl JOIN nat_gateways AS g ON g.uid = r.gateway
			WHERE g.network <> t.network OR g.state = 'deleting' OR NOT EXISTS (SELECT 1 FROM public_ips AS a WHERE a.gateway = g.uid AND a.gateway <> '' AND a.outward)
		UNION ALL SELECT 'route', uid, 'it leads nowhere, or to two' FROM routes WHERE (port IS NULL) = (gateway IS NULL)
		UNION ALL SELECT 'subnet', s.uid, 'it is in the route table ' || t.uid || ' of another network' FROM route_table_subnets AS b JOIN subnets AS s ON s.uid = b.subnet
			JOIN route_tables AS t ON t.uid = b.tbl WHERE s.network <> t.network`},
	{"every spec has a row", `SELECT s.kind AS kind, s.uid AS uid, 'a live spec for ' || s.target || ' and no row' AS text FROM link_specs AS s WHERE NOT s.deleted AND (
			(s.kind = 'instance' AND s.uid NOT IN (SELECT uid FROM instances)) OR (s.kind = 'volume' AND s.uid NOT IN (SELECT uid FROM volumes))
			OR (s.kind = 'snapshot' AND s.uid NOT IN (SELECT uid FROM snapshots WHERE 'host.' || host = s.target))
			OR (s.kind = 'port' AND s.uid NOT IN (SELECT uid FROM ports)) OR (s.kind = 'public_ip' AND s.uid NOT IN (SELECT uid FROM public_ips WHERE port <> ''))
			OR (s.kind = 'nat_gateway' AND s.uid NOT IN (SELECT uid FROM nat_gateways WHERE 'site.' || site = s.target))
			OR (s.kind = 'balancer' AND s.uid NOT IN (SELECT uid FROM balancers WHERE 'site.' || site = s.target))
			OR (s.kind = 'bandwidth' AND s.uid NOT IN (SELECT uid FROM bandwidths WHERE 'site.' || site = s.target))
			OR (s.kind = 'virtual_ip' AND s.uid NOT IN (SELECT uid FROM ports WHERE kind = 'virtual' AND NOT doomed))
			OR (s.kind = 'network' AND s.uid NOT IN (SELECT network FROM routers WHERE 'site.' || site = s.target)) OR (s.kind = 'subnet' AND s.uid NOT IN (SELECT uid FROM subnets))
			OR (s.kind = 'network_acl' AND s.uid NOT IN (SELECT acl FROM network_acl_sites WHERE 'site.' || site = s.target))
			OR (s.kind = 'security_group' AND s.uid NOT IN (SELECT grp FROM security_group_sites WHERE 'site.' || site = s.target))
			OR (s.kind = 'uplink' AND s.uid NOT IN (SELECT uid FROM lines)) OR (s.kind = 'image' AND s.uid NOT IN (SELECT uid FROM image_files) AND s.uid NOT IN (SELECT image FROM image_jobs)))`},
	{"an instance's specs live as long as it", `SELECT s.kind AS kind, s.uid AS uid, 'a live spec of an instance that is being deleted' AS text FROM link_specs AS s JOIN instances AS i ON i.uid = s.uid
		WHERE s.kind = 'instance' AND NOT s.deleted AND i.state = 'deleting' AND NOT i.dirty`},
	{"members of placement sets exist", `SELECT 'instance' AS kind, instance AS uid, 'it is gone and still in the set ' || pset AS text FROM placement_members WHERE instance NOT IN (SELECT uid FROM instances)`},
	{"an instance's leaving ports are its own", `SELECT 'instance' AS kind, i.uid AS uid, 'it is to lose ports that it does not have: ' || i.leaving AS text FROM instances AS i
		WHERE i.leaving NOT IN ('[]', 'null') AND NOT EXISTS (SELECT 1 FROM ports AS p WHERE p.instance = i.uid AND i.leaving LIKE '%' || p.uid || '%')`},
	{"an edge cloud that is under way or without its group has work", `SELECT 'edge_cloud' AS kind, uid, 'it is ' || state || ' and nothing will look at it' AS text FROM edge_clouds
		WHERE (state IN ('creating', 'updating', 'deleting') OR uid NOT IN (SELECT uid FROM groups)) AND uid NOT IN (SELECT uid FROM work WHERE kind = 'edge_cloud')`},
	{"groups are watched by what there is", `SELECT 'group' AS kind, uid, 'its edge cloud is gone' AS text FROM groups WHERE watcher = 'edge_cloud' AND uid NOT IN (SELECT uid FROM edge_clouds)`},
	{"doomed groups go with their last instance", `SELECT 'group' AS kind, uid, 'doomed and empty' AS text FROM groups WHERE doomed AND uid NOT IN (SELECT grp FROM instances)`},
}

// atRest holds when everything has been carried out.
var atRest = []rule{
	{"nothing is under way", `SELECT 'instance' AS kind, i.uid AS uid, 'still ' || i.state || ' (wanted ' || i.wanted || ', seen ' || i.seen || ' ' || i.phase || ', power ' || i.seen_power || ' for ' || i.power
			|| ') ' || i.trouble || '; work: ' || COALESCE(w.event, 'none') || ' ' || COALESCE(w.last_error, '') AS text
		FROM instances AS i LEFT JOIN work AS w ON w.kind = 'instance' AND w.uid = i.uid WHERE i.dirty OR i.state NOT IN ` + resting},
	{"public addresses have come to rest", `SELECT 'public_ip' AS kind, uid, 'still ' || state || ' (wanted ' || wanted || ', seen ' || seen || ' ' || phase || ') ' || error AS text FROM public_ips
		WHERE state NOT IN ('', 'free', 'bound')`},
	{"NAT gateways have come to rest", `SELECT 'nat_gateway' AS kind, uid, 'still ' || state || ' (wanted ' || wanted || ', seen ' || seen || ' ' || phase || ') ' || error AS text FROM nat_gateways
		WHERE state <> 'active' OR seen < wanted OR phase <> 'applied'`},
	{"balancers have come to rest", `SELECT 'balancer' AS kind, uid, 'still ' || state || ' (wanted ' || wanted || ', seen ' || seen || ' ' || phase || ') ' || error AS text FROM balancers
		WHERE state <> 'active' OR seen < wanted OR phase <> 'applied'`},
	{"volumes have come to rest", `SELECT 'volume' AS kind, v.uid AS uid, 'it is ' || v.hold AS text FROM volumes AS v LEFT JOIN instances AS i ON i.uid = v.instance
		WHERE (v.hold IN ('attaching', 'detaching') OR v.doomed) AND COALESCE(i.state, '') <> 'failed'`},
	{"snapshots have come to rest", `SELECT 'snapshot' AS kind, uid, 'still ' || state || ' (wanted ' || wanted || ', seen ' || seen || ' ' || phase || ') ' || trouble AS text FROM snapshots
			WHERE state NOT IN ('created', 'failed') OR state = 'created' AND (seen < wanted OR phase <> 'applied')
		UNION ALL SELECT 'volume', uid, 'it stands alone (wanted ' || wanted || ', seen ' || seen || ' ' || phase || ') ' || error FROM volumes
			WHERE instance = '' AND host <> '' AND (seen < wanted OR phase <> 'applied' OR origin_snapshot <> '')`},
	{"elastic NICs have come to rest", `SELECT 'port' AS kind, p.uid AS uid, 'still ' || p.elastic AS text FROM ports AS p JOIN instances AS i ON i.uid = p.instance
		WHERE p.elastic IN ('attaching', 'detaching') AND i.state <> 'failed'`},
	{"addresses that NICs lost are free", `SELECT 'port' AS kind, nic AS uid, 'it has not given up ' || address AS text FROM ports WHERE kind = 'further' AND doomed`},
	{"every tombstone is answered", `SELECT kind, uid, 'an unanswered tombstone for ' || target AS text FROM link_specs WHERE deleted`},
	{"hosts did what was wanted", `SELECT 'instance' AS kind, uid, 'wanted ' || wanted || ', seen ' || seen || ' ' || phase || ' ' || trouble AS text FROM instances
			WHERE state IN ('running', 'stopped') AND (seen < wanted OR phase <> 'applied')
		UNION ALL SELECT 'volume', v.uid, 'wanted ' || v.wanted || ', seen ' || v.seen || ' ' || v.phase || ' ' || v.error FROM volumes AS v JOIN instances AS i ON i.uid = v.instance
			WHERE i.state NOT IN ('failed', 'deleting') AND (v.seen < v.wanted OR v.phase <> 'applied' OR v.seen_epoch < v.epoch)
		UNION ALL SELECT 'port', p.uid, 'wanted ' || p.wanted || ', seen ' || p.seen || ' ' || p.phase || ' ' || p.error FROM ports AS p JOIN instances AS i ON i.uid = p.instance
			WHERE i.state NOT IN ('failed', 'deleting') AND (p.seen < p.wanted OR p.phase <> 'applied')
		UNION ALL SELECT 'virtual_ip', uid, 'wanted ' || wanted || ', seen ' || seen || ' ' || phase || ' ' || error FROM ports WHERE kind = 'virtual' AND (seen < wanted OR phase <> 'applied')
		UNION ALL SELECT 'subnet', uid, 'wanted ' || wanted || ', seen ' || seen || ' ' || phase || ' ' || error FROM subnets WHERE seen < wanted OR phase <> 'applied'
		UNION ALL SELECT 'public_ip', a.uid, 'wanted ' || a.wanted || ', seen ' || a.seen || ' ' || a.phase || ' ' || a.error FROM public_ips AS a JOIN instances AS i ON i.uid = a.instance
			WHERE i.state NOT IN ('failed', 'deleting') AND (a.seen < a.wanted OR a.phase <> 'applied')`},
	{"power is as wanted", `SELECT 'instance' AS kind, uid, 'it is ' || state || ' and its host says ' || seen_power AS text FROM instances
		WHERE (state = 'running' AND seen_power <> 'on') OR (state = 'stopped' AND seen_power <> 'off')`},
}
