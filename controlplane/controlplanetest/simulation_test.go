package controlplanetest

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/check"
	"edgecloud/engine/sim"
	"edgecloud/store"
)

var (
	oneSeed  = flag.Uint64("seed", 0, "run the simulation with this seed only")
	seeds    = flag.Int("seeds", 120, "how many seeds the simulation runs; 200 take two minutes of two cores")
	moves    = flag.Int("moves", 60, "how many moves a seed has before its faults stop")
	showSim  = flag.Bool("simstats", false, "log what happened in the simulations")
	simTotal = map[string]int{}
	simMutex sync.Mutex
)

// TestSimulation lets a whole cloud live under virtual time with everything going wrong that can, drawn from a seed, and demands afterwards that it comes to
// what was asked for, within a minute, with nothing lost, doubled or left (bars E1, E3, E4, E5).
//
// Every part moves one step at a time on one goroutine, so a seed gives the same story each time. What is not drawn from it: the pauses of the runner after a
// step that failed, and the order in which an agent compares full lists (a map's).
func TestSimulation(t *testing.T) {
	first, last := uint64(1), uint64(*seeds)
	if *oneSeed > 0 {
		first, last = *oneSeed, *oneSeed
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("again: go test ./controlplane/controlplanetest -run TestSimulation -seed %d -moves %d", seed, *moves)
				}
			})
			synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
		})
	}
	t.Cleanup(func() {
		if *showSim {
			for _, k := range slices.Sorted(maps.Keys(simTotal)) {
				t.Logf("%6d %s", simTotal[k], k)
			}
		}
	})
}

func simulate(t *testing.T, seed uint64) {
	c := newSimCloud(t, seed)
	defer c.end()
	for _, h := range c.hosts {
		h.link.Heal()
	}
	c.converge("before the faults")
	for _, h := range c.hosts {
		h.link.Break()
	}
	clients := []*simClient{newSimClient(c, 1), newSimClient(c, 2), newSimClient(c, 3)}
	for range *moves {
		c.move(clients)
		if t.Failed() {
			return
		}
	}
	c.heal()
	c.converge("after the faults")
	c.expect(clients)
	c.deleteAll(clients)
	simMutex.Lock()
	defer simMutex.Unlock()
	for k, n := range c.stats {
		simTotal[k] += n
	}
}

// calm tells that the faults are over.
func (c *simCloud) calm() bool { return c.stats["healed"] > 0 }

// move lets something happen.
func (c *simCloud) move(clients []*simClient) {
	if c.down {
		if c.rng.IntN(2) == 0 {
			require.NoError(c.t, c.cp.Close())
			c.startCentre()
		} else {
			c.net.SetCentre(nil)
		}
	}
	if !c.down && c.rng.IntN(3) > 0 {
		clients[c.rng.IntN(len(clients))].act()
	}
	if c.rng.IntN(6) == 0 {
		c.fault()
	}
	for range c.rng.IntN(10) {
		if !c.down {
			_, _ = c.cp.Runner.RunOne(c.ctx) // its failures are tried again
		}
	}
	for range c.rng.IntN(40) {
		c.stepAgent(c.hosts[c.rng.IntN(len(c.hosts))])
	}
	c.invariants("in the middle")
	time.Sleep(time.Duration(c.rng.IntN(500)) * time.Millisecond)
}

// invariants are what must hold at every moment.
func (c *simCloud) invariants(when string) {
	if c.down || c.rng.IntN(8) > 0 {
		return
	}
	found, err := check.Rows(c.ctx, c.cp.DB)
	require.NoError(c.t, err)
	require.Empty(c.t, found, when)
}

// stepAgent lets an agent do one thing at random.
func (c *simCloud) stepAgent(h *simHost) {
	if h.off {
		return
	}
	if h.dead {
		if c.rng.IntN(3) == 0 {
			c.stopAgent(h)
			c.startAgent(h)
		}
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, 20*time.Second) // ends an engine that hangs
	defer cancel()
	switch c.rng.IntN(8) {
	case 0:
		_ = h.agent.HeartbeatOnce(ctx)
	case 1, 2:
		_ = h.agent.PullOnce(ctx)
	case 3:
		_ = h.agent.Sweep(ctx)
	case 4, 5:
		_ = h.agent.ReportOnce(ctx)
	default:
		h.agent.ApplyNext(ctx)
	}
}

// fault makes something go wrong.
func (c *simCloud) fault() {
	h := c.hosts[c.rng.IntN(len(c.hosts))]
	switch c.rng.IntN(9) {
	case 0, 1:
		c.doomed = 1 + c.rng.IntN(6)
	case 2, 3:
		h.doomed = 1 + c.rng.IntN(10)
	case 4:
		h.cut = !h.cut
		c.stats["cut"]++
		c.net.Cut(h.uid, h.cut)
		h.engines.Cut(h.cut)
	case 5:
		c.power(h)
	case 6, 7:
		effects := []sim.Effect{sim.Fail, sim.FailLate, sim.Hang, sim.Crash, sim.Full}
		c.world.AddRule(sim.Rule{Host: h.engines.Name(), Effect: effects[c.rng.IntN(len(effects))], Probability: 0.3, Count: 1 + c.rng.IntN(3)})
		c.stats["engine rule"]++
	default:
		c.stats["pause"]++
		time.Sleep(time.Duration(c.rng.IntN(40)) * time.Second)
	}
}

// power takes a host's power, with its agent, or gives it back.
func (c *simCloud) power(h *simHost) {
	c.stats["power"]++
	if h.off {
		h.off = false
		h.engines.PowerOn()
		c.startAgent(h)
		return
	}
	h.off = true
	h.engines.PowerOff()
	c.stopAgent(h)
}

// heal ends all faults.
func (c *simCloud) heal() {
	c.doomed = 0
	c.stats["healed"]++
	c.world.ClearRules()
	if c.down {
		require.NoError(c.t, c.cp.Close())
		c.startCentre()
	}
	for _, h := range c.hosts {
		h.doomed = 0
		h.engines.Cut(false)
		c.net.Cut(h.uid, false)
		if h.off {
			c.power(h)
		}
		if h.dead {
			c.stopAgent(h)
			c.startAgent(h)
		}
		h.cut = false
		h.link.Heal()
	}
}

// bound is how long everything may take to come to what is wanted after the last fault (E5).
const bound = 60 * time.Second

// converge lets all parts work, and demands that nothing is left to do, and nothing is wrong, within the bound.
func (c *simCloud) converge(when string) {
	start := time.Now()
	var found []check.Finding
	for round := 0; time.Since(start) < bound; round++ {
		for range 1000 {
			if ran, _ := c.cp.Runner.RunOne(c.ctx); !ran {
				break
			}
		}
		for _, h := range c.hosts {
			c.pump(h, round)
		}
		if found = c.findings(); len(found) == 0 {
			c.stats["converged in s"] += int(time.Since(start) / time.Second)
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	for _, f := range found {
		c.t.Error(when, f)
	}
	c.t.Fatalf("%s: not converged after %s", when, bound)
}

// pump lets an agent do what its loops would.
func (c *simCloud) pump(h *simHost, round int) {
	if round%25 == 0 {
		_ = h.agent.HeartbeatOnce(c.ctx)
	}
	if err := h.agent.PullOnce(c.ctx); err != nil {
		c.t.Log("pull", h.uid, err)
	}
	for range 200 {
		if !h.agent.ApplyNext(c.ctx) {
			break
		}
	}
	if round%50 == 0 {
		_ = h.agent.Sweep(c.ctx)
	}
	for range 5 {
		_ = h.agent.ReportOnce(c.ctx)
	}
}

// findings are what keeps the cloud from being at rest.
func (c *simCloud) findings() []check.Finding {
	settled, err := check.Settled(c.ctx, c.cp.DB)
	require.NoError(c.t, err)
	if len(settled) > 0 {
		return settled
	}
	rows, err := check.Rows(c.ctx, c.cp.DB)
	require.NoError(c.t, err)
	targets, have := c.found()
	engines, err := check.Engines(c.ctx, c.cp.DB, targets, have)
	require.NoError(c.t, err)
	return append(rows, engines...)
}

// expect demands that exactly the instances are there that were made and not deleted.
func (c *simCloud) expect(clients []*simClient) {
	want := []string{}
	for _, s := range clients {
		want = append(want, slices.Collect(maps.Keys(s.live()))...)
	}
	_, out := clients[0].call(http.MethodGet, "/v2/vm/instance", map[string]string{"maxKeys": "1000"}, nil)
	have := []string{}
	for _, i := range out["instances"].([]any) {
		have = append(have, i.(object)["id"].(string))
	}
	require.ElementsMatch(c.t, want, have, "instances that were accepted and not deleted, and instances that are there")
	c.stats["instances at the end"] += len(have)
}

// deleteAll deletes everything through the door and demands that nothing is left.
func (c *simCloud) deleteAll(clients []*simClient) {
	for _, s := range clients {
		for _, id := range slices.Sorted(maps.Keys(s.live())) {
			s.remove(id)
		}
	}
	require.NoError(c.t, clients[0].dropACLs(clients[0].caller(), 0))
	require.NoError(c.t, clients[0].dropSubnetRules(clients[0].caller()))
	c.converge("after deleting the instances")
	clients[0].dropGateways()
	for _, s := range clients {
		require.NoError(c.t, s.dropCloudDisks())
	}
	for _, s := range clients {
		s.dropVirtualIPs()
		s.dropBalancers()
		s.dropElasticNICs()
	}
	for _, s := range clients {
		for _, id := range slices.Sorted(maps.Keys(s.networks)) {
			status, out := s.change(http.MethodDelete, "/v2/vpc/"+id, nil, nil)
			require.Less(c.t, status, 300, out)
		}
		for _, id := range slices.Sorted(maps.Keys(s.groups)) {
			status, out := s.change(http.MethodDelete, "/v2/securityGroup/"+id, nil, nil)
			require.Less(c.t, status, 300, out)
		}
	}
	c.converge("after deleting everything")
	left := []string{}
	require.NoError(c.t, c.cp.DB.Read(c.ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw(`SELECT 'instance ' || uid FROM instances UNION ALL SELECT 'volume ' || uid FROM volumes UNION ALL SELECT 'snapshot ' || uid FROM snapshots UNION ALL SELECT 'port ' || uid FROM ports WHERE kind <> 'gateway'
			UNION ALL SELECT 'public ip ' || uid FROM public_ips UNION ALL SELECT 'lease ' || address FROM line_addresses WHERE holder NOT IN (SELECT uid FROM networks WHERE kind = 'default')
			UNION ALL SELECT 'group ' || uid FROM groups WHERE doomed UNION ALL SELECT 'network ' || uid FROM networks WHERE kind <> 'default'
			UNION ALL SELECT 'work ' || kind || ' ' || uid FROM work WHERE kind <> 'work_scan' UNION ALL SELECT 'operation ' || uid FROM operations WHERE status = 'running'
			UNION ALL SELECT 'used on host ' || uid FROM hosts WHERE used_vcpus + used_mib + used_gib + instances > 0
			UNION ALL SELECT 'quota ' || name FROM quota_use WHERE used <> 0 AND name IN ('instances', 'vcpus', 'memory_gib', 'volumes', 'volume_gib', 'snapshots', 'public_ips', 'network_acls', 'network_acl_rules', 'routes', 'elastic_nics', 'nat_gateways', 'nat_rules', 'balancers', 'balancer_listeners', 'balancer_members', 'balancer_groups')
			UNION ALL SELECT 'network ACL ' || uid FROM network_acls UNION ALL SELECT 'route ' || uid FROM routes UNION ALL SELECT 'NAT gateway ' || uid FROM nat_gateways UNION ALL SELECT 'load balancer ' || uid FROM balancers UNION ALL SELECT 'group of a load balancer ' || uid FROM balancer_groups
			UNION ALL SELECT 'spec ' || kind || ' ' || uid FROM link_specs WHERE kind IN ('instance', 'volume', 'snapshot', 'port', 'virtual_ip', 'public_ip', 'network_acl', 'nat_gateway', 'balancer')`).Scan(ctx, &left)
	}))
	require.Empty(c.t, left)
}
