package controlplanetest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/check"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// breaks says for each rule how to break it.
var breaks = map[string]string{
	"quota use is the sum of rows":                                                  "UPDATE quota_use SET used = used + 1 WHERE name = 'vcpus'",
	"host use is the sum of instances":                                              "UPDATE hosts SET used_mib = used_mib + 1",
	"an instance's disks are the sum of its volumes":                                "UPDATE volumes SET gib = gib + 1",
	"every port has an owner":                                                       "UPDATE ports SET instance = 'nobody'",
	"a volume stands alone or is on an instance of its host":                        "UPDATE volumes SET host = 'elsewhere'",
	"volumes have come to rest":                                                     "UPDATE volumes SET hold = 'attaching'",
	"every volume has an owner":                                                     "UPDATE volumes SET instance = 'nobody'",
	"every public address has an owner":                                             "UPDATE public_ips SET port = 'none'",
	"a snapshot is in disks of its host":                                            "UPDATE snapshot_disks SET volume = 'gone'",
	"disks are rolled back to what rolls back":                                      "UPDATE volumes SET rollback_to = (SELECT MIN(uid) FROM snapshots)",
	"snapshots that are under way have work":                                        "UPDATE snapshots SET state = 'creating'",
	"snapshots have come to rest":                                                   "UPDATE snapshots SET seen = 0",
	"elastic NICs are where their hold says":                                        "UPDATE ports SET elastic = 'loose'",
	"further addresses are those of their NIC":                                      "UPDATE ports SET nic = 'nobody'",
	"a NIC's spec names its further addresses":                                      `UPDATE ports SET kind = 'further', nic = (SELECT MIN(uid) FROM ports WHERE kind = 'nic') WHERE kind = 'gateway'`,
	"a public address of a NAT gateway is where that is":                            "UPDATE public_ips SET gateway = 'nobody'",
	"a NAT gateway's spec has its addresses":                                        `UPDATE link_specs SET body = REPLACE(body, '"address":', '"another":') WHERE kind = 'nat_gateway'`,
	"NAT gateways that are under way have work":                                     "UPDATE nat_gateways SET state = 'changing'",
	"balancers that are under way have work":                                        "UPDATE balancers SET state = 'changing'",
	"balancers have come to rest":                                                   "UPDATE balancers SET state = 'down'",
	"a balancer's members are ports of its network that it watches":                 "INSERT INTO balancer_members (uid, slug, grp, port, weight, created) SELECT 'm', 'm', uid, 'nobody', 1, 0 FROM balancer_groups",
	"a balancer has its port and addresses":                                         "UPDATE ports SET nic = 'nobody' WHERE kind = 'balancer'",
	"NAT gateways have come to rest":                                                "UPDATE nat_gateways SET state = 'down'",
	"elastic NICs have come to rest":                                                "UPDATE ports SET elastic = 'attaching'",
	"addresses that NICs lost are free":                                             "UPDATE ports SET kind = 'further', doomed = TRUE",
	"every instance has a port and a disk":                                          "UPDATE ports SET instance = 'nobody'",
	"every port is in a security group":                                             "DELETE FROM port_groups",
	"every subnet has a gateway port":                                               "DELETE FROM ports WHERE kind = 'gateway'",
	"members of virtual IPs are NICs of their subnet":                               "INSERT INTO virtual_ip_members (vip, port) SELECT g.uid, p.uid FROM ports AS g, ports AS p WHERE g.kind = 'gateway' AND p.kind = 'nic' LIMIT 1",
	"only virtual IPs are doomed":                                                   "UPDATE ports SET doomed = TRUE",
	"a public address that stands alone is bound as its state says":                 "UPDATE public_ips SET state = 'free'",
	"what a public address shares is of its account and line":                       "UPDATE public_ips SET bandwidth = 'none'",
	"a public IPv6 address leads to one of a port that goes with the same instance": "UPDATE public_ips SET ipv6 = TRUE",
	"a port's IPv6 address is of its subnet's range":                                "UPDATE ports SET address6 = 'fd00::1' WHERE uid = (SELECT MIN(uid) FROM ports)",
	"bandwidths that nobody keeps go with their last address": `INSERT INTO bandwidths (uid, slug, account, site, line, type, name, mbps, kept, created, updated)
		SELECT 'b', 'b', 'a', site, uid, 'share', 'n', 300, FALSE, 0, 0 FROM lines LIMIT 1`,
	"every public address that stands alone is leased": "UPDATE public_ips SET instance = '', port = uid; DELETE FROM line_addresses",
	"public addresses have come to rest":               "UPDATE public_ips SET state = 'binding'",
	"every lease has a holder":                         "UPDATE line_addresses SET holder = 'nobody'",
	"every public address is leased":                   "DELETE FROM line_addresses",
	"what is under way has work":                       "UPDATE instances SET state = 'stopping'",
	"operations run for what is under way":             "UPDATE operations SET status = 'running'",
	"what is under way has one operation":              "UPDATE instances SET state = 'stopping'",
	"every network and subnet has a spec":              "DELETE FROM link_specs WHERE kind = 'subnet'",
	"a subnet's spec names its guard":                  `UPDATE link_specs SET body = REPLACE(body, '"dhcp"', '"acl":"another","dhcp"') WHERE kind = 'subnet'`,
	"every network has a default route table":          "DELETE FROM route_tables",
	"routes and route tables stay on their network": `INSERT INTO routes (uid, slug, tbl, source, destination, spelled, hop_kind, hop, port, description, created)
		SELECT 'r', 'r', t.uid, '', '10.9.0.0/16', '10.9.0.0/16', 'instance', p.instance, p.uid, '', 0 FROM route_tables AS t JOIN ports AS p ON p.network = t.network LIMIT 1;
		UPDATE ports SET doomed = TRUE`,
	"what was written has a spec":            "UPDATE link_specs SET deleted = TRUE WHERE kind = 'volume'",
	"every spec has a row":                   "INSERT INTO link_specs (target, kind, uid, revision, deleted, body) VALUES ('host.x', 'volume', 'x', 1, FALSE, '{}')",
	"an instance's specs live as long as it": "UPDATE instances SET state = 'deleting'",
	"members of placement sets exist": `INSERT INTO placement_sets (uid, slug, account, name, description, created) VALUES ('s', 's', 'a', 'n', '', 0);
		INSERT INTO placement_members (pset, instance, host, site) SELECT 's', 'nobody', uid, site FROM hosts LIMIT 1`,
	"doomed groups go with their last instance": "INSERT INTO groups (uid, slug, account, name, payment, mbps, tags, doomed, created) VALUES ('g', 'g', 'a', 'n', 'postpaid', 0, '[]', TRUE, 0)",
	"an instance's leaving ports are its own":   `UPDATE instances SET leaving = '["nobody"]'`,
	"an edge cloud that is under way or without its group has work": `INSERT INTO edge_clouds (uid, account, name, description, coverage, parts, state, error, created, changed)
		SELECT uid, account, 'n', '', '{}', '[]', 'creating', '', 0, 0 FROM groups LIMIT 1`,
	"groups are watched by what there is": "UPDATE groups SET watcher = 'edge_cloud'",
	"nothing is under way":                "UPDATE instances SET state = 'stopping'",
	"every tombstone is answered":         "UPDATE link_specs SET deleted = TRUE WHERE kind = 'port'",
	"hosts did what was wanted":           "UPDATE ports SET wanted = wanted + 100",
	"power is as wanted":                  "UPDATE instances SET seen_power = 'off'",
}

var errUndo = errors.New("undo")

// TestTheCheckerFindsWhatIsBroken breaks each invariant in a sound cloud and expects that rule's finding: a checker that finds nothing proves nothing.
func TestTheCheckerFindsWhatIsBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSimCloud(t, 1)
		defer c.end()
		c.heal()
		s := newSimClient(c, 1)
		for range 2 {
			s.createAt(c.sites[0], true)
		}
		c.converge("at first")
		s.makeGateway(c.sites[0])
		s.makeBalancer(c.sites[0], false)
		s.takeSnapshot()
		c.converge("with a NAT gateway, a load balancer and a snapshot")
		fired := map[string]bool{}
		for name, sql := range breaks {
			err := c.cp.DB.Write(c.ctx, func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.NewRaw(sql).Exec(ctx); err != nil {
					return err
				}
				for _, look := range []func(context.Context, *store.DB) ([]check.Finding, error){check.Rows, check.Settled} {
					found, err := look(store.Join(ctx, tx), c.cp.DB)
					if err != nil {
						return err
					}
					for _, f := range found {
						fired[name] = fired[name] || f.Rule == name
					}
				}
				return errUndo
			})
			require.ErrorIs(t, err, errUndo, name)
			require.True(t, fired[name], name)
		}
		require.ElementsMatch(t, check.Names(), keysOf(breaks), "every rule is broken once")
		c.breakEngines()
	})
}

func keysOf(m map[string]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// breakEngines takes a machine away behind the cloud's back, and reports one that nobody knows.
func (c *simCloud) breakEngines() {
	targets, have := c.found()
	have = append(have, check.Object{Target: targets[0], Kind: spec.KindInstance, UID: "nobody's"})
	found, err := check.Engines(c.ctx, c.cp.DB, targets, have)
	require.NoError(c.t, err)
	require.Len(c.t, found, 1)
	require.Equal(c.t, "engine leak", found[0].Rule)
	for _, h := range c.hosts {
		machines, err := h.engines.Hypervisor().List(c.ctx)
		require.NoError(c.t, err)
		if len(machines) == 0 {
			continue
		}
		require.NoError(c.t, h.engines.Hypervisor().Remove(c.ctx, machines[0].UID))
		targets, have = c.found()
		found, err = check.Engines(c.ctx, c.cp.DB, targets, have)
		require.NoError(c.t, err)
		require.Len(c.t, found, 1)
		require.Equal(c.t, "engine drift", found[0].Rule)
		return
	}
	c.t.Fatal("no host has a machine")
}
