package isolation

import (
	"strings"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/balancer"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/link/spec"
)

// makeApp makes application load balancers, with all that hangs on one, in the instance's network.
func (n *tenant) makeApp() {
	ctx, all, instance := n.t.Context(), n.Control.Balancers, strings.TrimPrefix(n.of("instance"), "vm-")
	server, err := n.Control.Compute.Get(ctx, n.caller, instance)
	require.NoError(n.t, err)
	var uids []string
	for _, kind := range []string{"app", "spareApp"} {
		made, err := all.Create(ctx, n.caller, []balancer.Wanted{{Type: balancer.Application, Serves: balancer.Instances, Site: n.home(), Network: server.Ports[0].Network, Name: "own", Mbps: 10, Count: 1}})
		require.NoError(n.t, err)
		n.ids[kind], uids = "applb-"+site+"-"+made[0].Slug, append(uids, made[0].UID)
	}
	id := uids[0]
	for _, a := range []balancer.Address{{Protocol: "tcp", Port: 80}, {Protocol: "tcp", Port: 81}, {Protocol: "tcp", Port: 82}, {Protocol: "tcp", Port: 8090}, {Protocol: "udp", Port: 8090}, {Protocol: "tcp", Port: 1}, {Protocol: "udp", Port: 1}} {
		require.NoError(n.t, all.CreateAppListener(ctx, n.caller, id, balancer.AppListener{Address: a, Scheduler: spec.RoundRobin}))
	}
	group := func(kind string, w balancer.NewGroup) string {
		w.Name = "own"
		g, err := all.CreateGroup(ctx, n.caller, id, w)
		require.NoError(n.t, err)
		n.ids[kind] = map[balancer.GroupKind]string{balancer.Servers: "svg-", balancer.Addresses: "bec_ip_group-"}[w.Kind] + g.Slug
		return g.UID
	}
	ips := group("ipGroup", balancer.NewGroup{Kind: balancer.Addresses})
	group("spareIPGroup", balancer.NewGroup{Kind: balancer.Addresses})
	members, err := all.AddAddresses(ctx, n.caller, id, ips, []balancer.NewAddress{{Address: "10.0.0.9", Port: 80, Weight: 1}, {Address: "10.0.0.9", Port: 81, Weight: 1}})
	require.NoError(n.t, err)
	n.ids["ipMember"], n.ids["spareIPMember"] = "bec_ip_member-"+members[0].Slug, "bec_ip_member-"+members[1].Slug
	port := func(kind, prefix string, of balancer.GroupKind, group, protocol string, number int) {
		p, err := all.AddGroupPort(ctx, n.caller, id, of, group, balancer.NewGroupPort{Protocol: protocol, Port: number, Check: balancer.Check{Protocol: "tcp", Port: 80}})
		require.NoError(n.t, err)
		n.ids[kind] = prefix + p.Slug
	}
	port("ipPolicy", "bec_ip_group_policy-", balancer.Addresses, ips, "tcp", 0)
	port("spareIPPolicy", "bec_ip_group_policy-", balancer.Addresses, ips, "http", 0)
	one := []balancer.Weighted{{Instance: instance, Weight: 1}}
	servers := group("svg", balancer.NewGroup{Kind: balancer.Servers, Servers: one})
	group("fullSVG", balancer.NewGroup{Kind: balancer.Servers, Servers: one})
	group("emptySVG", balancer.NewGroup{Kind: balancer.Servers})
	group("spareSVG", balancer.NewGroup{Kind: balancer.Servers})
	port("svgPort", "port-", balancer.Servers, servers, "tcp", 80)
	port("spareSVGPort", "port-", balancer.Servers, servers, "tcp", 81)
	require.NoError(n.t, all.CreatePolicies(ctx, n.caller, id, balancer.Address{Port: 81}, []balancer.NewPolicy{{Group: ips, Priority: 1}}))
	policies, err := all.Policies(ctx, n.caller, id, balancer.Address{Port: 81})
	require.NoError(n.t, err)
	n.ids["appPolicy"] = "bec_policy-" + policies[0].Slug
	for _, uid := range uids {
		controlplanetest.Eventually(n.t, uid+" rests", func() bool {
			b, err := all.Get(ctx, n.caller, uid)
			return err == nil && b.State == balancer.Active && (uid != id || len(b.Health.V) > 0)
		})
	}
}
