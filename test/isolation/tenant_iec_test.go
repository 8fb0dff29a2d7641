package isolation

import (
	"context"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/plan"
	"edgecloud/cloud/volume"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/link/spec"
)

// makeIEC makes what IEC's operations name: by UIDs, and on networks that span sites.
func (n *tenant) makeIEC(kind string) {
	switch kind {
	case "network", "subnetUID":
		n.makeNetwork()
	case "managed":
		net, err := n.Control.Networks.CreateNetwork(n.t.Context(), n.caller, network.NewNetwork{Name: "managed", CIDR: "10.6.0.0/16", Managed: true})
		require.NoError(n.t, err)
		n.ids[kind] = net.UID
	case "groupUID":
		g, err := n.Control.Networks.CreateGroup(n.t.Context(), n.caller, network.NewGroup{Name: "own group"})
		require.NoError(n.t, err)
		n.ids[kind] = g.UID
	case "ruleUID":
		rules, err := n.Control.Networks.AddRules(n.t.Context(), n.caller, n.of("groupUID"), []network.NewRule{{Direction: spec.Egress}})
		require.NoError(n.t, err)
		n.ids[kind] = rules[0].UID
	case "publicIP", "bandwidth":
		site, err := n.Control.Place.SiteByName(n.t.Context(), site)
		require.NoError(n.t, err)
		made, err := n.Control.Networks.CreatePublicIPs(n.t.Context(), n.caller, network.NewPublicIP{Site: site, Shared: network.Share})
		require.NoError(n.t, err)
		n.ids["publicIP"], n.ids["bandwidth"] = made[0].UID, made[0].Bandwidth
		controlplanetest.Eventually(n.t, "the public address is free", func() bool {
			ip, err := n.Control.Networks.GetPublicIP(n.t.Context(), n.caller, made[0].UID)
			require.NoError(n.t, err)
			return ip.State == network.IPFree
		})
	case "vip":
		p, err := n.Control.Networks.CreateVirtualIP(n.t.Context(), n.caller, network.NewVirtualIP{Subnet: n.of("subnetUID")})
		require.NoError(n.t, err)
		n.ids[kind] = p.UID
		controlplanetest.Eventually(n.t, "the site has the virtual IP", func() bool {
			p, err = n.Control.Networks.GetPort(n.t.Context(), n.caller, p.UID)
			require.NoError(n.t, err)
			return p.Phase == spec.Applied
		})
	case "imageUID":
		n.ids[kind] = n.publicImage().UID
	case "server", "port", "volume":
		d := n.makeServer()
		n.ids["server"], n.ids["port"], n.ids["volume"] = d.UID, d.Ports[1].UID, d.Volumes[0].UID
	case "serverOff":
		d := n.makeServer()
		_, err := n.Control.Compute.Stop(n.t.Context(), n.caller, d.UID, true)
		require.NoError(n.t, err)
		n.rests(d.UID, compute.Stopped)
		n.ids[kind] = d.UID
	case "firewall", "policy", "spareFirewall", "routeTable", "spareTable", "joinedTable", "joinedSubnet", "routedTable":
		n.makeBorder(kind)
	case "ownImage", "imageJob":
		made, op, err := n.Control.Compute.CaptureImage(n.t.Context(), n.caller, n.of("serverOff"), "own image", "")
		require.NoError(n.t, err)
		n.rests(n.of("serverOff"), compute.Stopped)
		n.ids["ownImage"], n.ids["imageJob"] = made.UID, op
	case "plan":
		n.ids[kind] = n.makePlan(plan.NewPlan{Name: "planned"})
	case "edgeCloud":
		n.ids[kind] = n.deploy()
	case "expansion":
		n.ids[kind] = n.makePlan(plan.NewPlan{Cloud: n.of("edgeCloud")})
	}
}

// makeBorder makes what guards subnets and leads their packets.
func (n *tenant) makeBorder(kind string) {
	ctx, networks := n.t.Context(), n.Control.Networks
	table := func() string {
		made, err := networks.CreateRouteTable(ctx, n.caller, network.NewRouteTable{Network: n.of("network"), Name: kind})
		require.NoError(n.t, err)
		return made.UID
	}
	switch kind {
	case "firewall", "policy":
		a, err := networks.CreateACL(ctx, n.caller, network.NewACL{Name: "own"})
		require.NoError(n.t, err)
		n.ids["firewall"], n.ids["policy"] = a.UID, a.Ingress
	case "spareFirewall":
		a, err := networks.CreateACL(ctx, n.caller, network.NewACL{Name: "spare"})
		require.NoError(n.t, err)
		n.ids[kind] = a.UID
	case "joinedTable", "joinedSubnet":
		s, err := networks.CreateSubnet(ctx, n.caller, network.NewSubnet{Network: n.of("network"), Site: n.home().UID, Name: "joined", CIDR: "10.7.9.0/24"})
		require.NoError(n.t, err)
		n.ids["joinedTable"], n.ids["joinedSubnet"] = table(), s.UID
		_, err = networks.JoinRouteTable(ctx, n.caller, n.ids["joinedTable"], []string{s.UID})
		require.NoError(n.t, err)
	case "routedTable":
		n.ids[kind] = table()
		_, err := networks.AddRoutes(ctx, n.caller, n.ids[kind], []network.NewRoute{{Destination: "10.99.0.0/16", HopKind: network.HopInstance, Hop: n.of("server")}})
		require.NoError(n.t, err)
	default:
		n.ids[kind] = table()
	}
}

func (n *tenant) home() *place.Site {
	s, err := n.Control.Place.SiteByName(n.t.Context(), site)
	require.NoError(n.t, err)
	return s
}

func (n *tenant) makeNetwork() {
	net, err := n.Control.Networks.CreateNetwork(n.t.Context(), n.caller, network.NewNetwork{Name: "spanning", CIDR: "10.7.0.0/16"})
	require.NoError(n.t, err)
	s, err := n.Control.Networks.CreateSubnet(n.t.Context(), n.caller, network.NewSubnet{Network: net.UID, Site: n.home().UID, Name: "subnet", CIDR: "10.7.1.0/24"})
	require.NoError(n.t, err)
	n.ids["network"], n.ids["subnetUID"] = net.UID, s.UID
}

func (n *tenant) makeServer() *compute.Detail {
	nic := compute.NIC{Subnet: n.of("subnetUID")}
	made, err := n.Control.Compute.Create(n.t.Context(), n.caller, compute.NewInstances{Spread: []compute.Spread{{Site: n.home(), Count: 1, NICs: []compute.NIC{nic, nic}}}, Fleeting: true,
		Size: compute.Size{Flavor: "c6.large.2"}, Image: n.of("imageUID"), System: volume.New{Storage: "SAS", GiB: 40}, Login: compute.Login{None: true}, Payment: compute.Postpaid})
	require.NoError(n.t, err)
	return n.rests(made.Instances[0].UID, compute.Running)
}

func (n *tenant) rests(uid string, state compute.State) (d *compute.Detail) {
	controlplanetest.Eventually(n.t, uid+" is "+string(state), func() bool {
		var err error
		d, err = n.Control.Compute.Get(n.t.Context(), n.caller, uid)
		require.NoError(n.t, err)
		return d.State == state
	})
	return d
}

func (n *tenant) makePlan(w plan.NewPlan) string {
	w.Coverage = plan.Coverage{Level: plan.City, Places: []plan.Place{{Name: "hangzhou", Sites: []string{n.home().UID}, Demands: []plan.Demand{{Count: 1}}}}}
	w.Stack = plan.Stack{Name: "s", Resources: []plan.Resource{{Name: "r", Count: 1, Flavor: "c6.large.2", Image: n.of("imageUID"), Network: n.of("managed"), NICs: 1,
		System: volume.New{Storage: "SAS", GiB: 40}}}}
	p, err := n.Control.Plans.Create(n.t.Context(), n.caller, w)
	require.NoError(n.t, err)
	return p.UID
}

// deploy makes an edge cloud that is in service.
func (n *tenant) deploy() string {
	c, err := n.Control.Plans.Deploy(n.t.Context(), n.caller, n.makePlan(plan.NewPlan{Name: "deployed"}),
		func(_ context.Context, _ *place.Site, r plan.Resource, _, count int) ([]compute.Label, error) {
			return make([]compute.Label, count), nil
		})
	require.NoError(n.t, err)
	controlplanetest.Eventually(n.t, "the edge cloud is in service", func() bool {
		v, err := n.Control.Plans.Cloud(n.t.Context(), n.caller, c.UID)
		require.NoError(n.t, err)
		return v.State == plan.InService
	})
	return c.UID
}
