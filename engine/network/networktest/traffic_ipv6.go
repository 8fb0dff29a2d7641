package networktest

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// ipv6 gives the subnets ranges of IPv6, and the ports their addresses: the guests make them by themselves from what the router announces.
func (x *tenant) ipv6(t *testing.T) {
	ctx, e := t.Context(), x.f.Engine
	up := x.f.Uplink
	up.Prefix6, up.Gateway6 = netip.MustParsePrefix("2001:db8:5::/64"), netip.MustParseAddr("2001:db8:5::1")
	run(t, x.f.Outside, "ip", "-6", "addr", "replace", "2001:db8:5::1/64", "dev", "prov0", "nodad")
	require.NoError(t, e.EnsureUplink(ctx, up))
	ranges := map[string]netip.Prefix{"s1": netip.MustParsePrefix("fd00:1::/64"), "s2": netip.MustParsePrefix("fd00:2::/64")}
	for uid, base := range map[string]string{"s1": "10.1.0", "s2": "10.2.0"} {
		s := subnetOf(uid, "one", base)
		s.Prefix6, s.Gateway6 = ranges[uid], ranges[uid].Addr().Next()
		require.NoError(t, e.EnsureSubnet(ctx, s))
	}
	address := map[string]string{}
	give := func(p *spec.Port) {
		a := spec.EUI64(ranges[p.Subnet], p.MAC)
		p.AllowedPairs = nil
		p.Addresses, address[p.UID] = append(p.Addresses[:1:1], a), a.String()
		require.NoError(t, e.EnsurePort(ctx, *p))
	}
	group := x.group
	group.Rules = append(group.Rules[:2:2], spec.Rule{UID: "ping6", Direction: spec.Ingress, IPv6: true, Protocol: "icmpv6", PortMin: -1, PortMax: -1},
		spec.Rule{UID: "out6", Direction: spec.Egress, IPv6: true})
	require.NoError(t, e.EnsureSecurityGroup(ctx, group))
	defer func() { require.NoError(t, e.EnsureSecurityGroup(t.Context(), x.group)) }()
	give(&x.a)
	give(&x.c)
	has := func(r Runner, a string, more ...string) bool {
		out, err := r.Command(ctx, append([]string{"ip", "-6", "addr", "show", "dev", "eth0", "scope", "global"}, more...)...).Output()
		return err == nil && strings.Contains(string(out), a)
	}
	eventually(t, "a guest makes its address", func() bool { return has(x.ra, address["pa"], "-tentative") && has(x.rc, address["pc"], "-tentative") })
	// The announcement goes to all of the subnet; what a guest makes of it without being given it is dropped.
	eventually(t, "the other guest makes one", func() bool { return has(x.rb, "fd00:1:", "-tentative") })
	silent(t, x.rb, address["pa"])
	give(&x.b)
	eventually(t, "given, it is let through", func() bool { return has(x.rb, address["pb"], "-tentative") && ping(x.rb, address["pa"]) })

	t.Run("SameSubnetAcrossHosts", func(t *testing.T) { reaches(t, x.ra, address["pb"]) })
	t.Run("RoutedBetweenSubnets", func(t *testing.T) { reaches(t, x.ra, address["pc"]) })
	t.Run("SpoofedSourceIsDropped", func(t *testing.T) {
		run(t, x.ra, "ip", "-6", "addr", "add", "fd00:1::99/64", "dev", "eth0", "nodad")
		run(t, x.rb, "ip", "-6", "neigh", "replace", "fd00:1::99", "lladdr", x.a.MAC, "dev", "eth0")
		require.False(t, ping(x.ra, address["pb"], "-I", "fd00:1::99", "-c", "3"))
		run(t, x.ra, "ip", "-6", "addr", "del", "fd00:1::99/64", "dev", "eth0")
	})
	t.Run("GroupLetsThroughAndCuts", func(t *testing.T) { x.groups6(t, group, address["pb"]) })
	t.Run("PublicIP", func(t *testing.T) { x.public6(t, address["pa"]) })
}

func (x *tenant) groups6(t *testing.T, group spec.SecurityGroup, to string) {
	e := x.f.Engine
	serve(t, x.rb, 86)
	reaches(t, x.ra, to)
	require.False(t, tcp(x.ra, to, 86), "no rule allows the port")
	open := group
	open.Rules = append(group.Rules[:4:4], spec.Rule{UID: "web4", Direction: spec.Ingress, Protocol: "tcp", PortMin: 86, PortMax: 86})
	require.NoError(t, e.EnsureSecurityGroup(t.Context(), open))
	eventually(t, "a rule for IPv4 opens it for IPv4", func() bool { return tcp(x.ra, "10.1.0.12", 86) })
	require.False(t, tcp(x.ra, to, 86), "and not for IPv6")
	open.Rules = append(group.Rules[:4:4], spec.Rule{UID: "web6", Direction: spec.Ingress, IPv6: true, Protocol: "tcp", PortMin: 86, PortMax: 86, RemoteGroup: "sg-open"})
	require.NoError(t, e.EnsureSecurityGroup(t.Context(), open))
	eventually(t, "a rule for IPv6 opens it for members of a group", func() bool { return tcp(x.ra, to, 86) })
	require.NoError(t, e.EnsureSecurityGroup(t.Context(), group))
	eventually(t, "it closes", func() bool { return !tcp(x.ra, to, 86) })
}

func (x *tenant) public6(t *testing.T, private string) {
	ctx, e := t.Context(), x.f.Engine
	const public, gateway = "2001:db8:5::50", "2001:db8:5::1"
	silent(t, x.ra, gateway) // without a public address there is no way out
	require.False(t, ping(x.f.Outside, public))
	ip := spec.PublicIP{UID: "eip6", Uplink: x.f.Uplink.UID, Address: netip.MustParseAddr(public), Network: "one", Port: "pa", Private: netip.MustParseAddr(private), Mbps: 10}
	require.NoError(t, e.EnsurePublicIP(ctx, ip))
	eventually(t, "a public IPv6 address answers", func() bool { return ping(x.f.Outside, public) })
	reaches(t, x.ra, gateway)
	serve(t, x.ra, 87)
	require.False(t, tcp(x.f.Outside, public, 87), "no rule allows the port")
	open := x.group
	open.Rules = append(open.Rules[:2:2], spec.Rule{UID: "web6", Direction: spec.Ingress, IPv6: true, Protocol: "tcp", PortMin: 87, PortMax: 87})
	require.NoError(t, e.EnsureSecurityGroup(ctx, open))
	eventually(t, "a rule opens the port to the outside", func() bool { return tcp(x.f.Outside, public, 87) })
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindPublicIP, UID: "eip6"}))
	eventually(t, "a removed public address is silent", func() bool { return !tcp(x.f.Outside, public, 87) })
}
