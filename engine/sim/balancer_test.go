package sim_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/balancer/balancertest"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
)

// backend is a simulated machine behind a load balancer.
type backend struct {
	rig
	uid     string
	address netip.Addr
}

func (b backend) Address() netip.Addr { return b.address }
func (b backend) Stop(t testing.TB)   { require.NoError(t, b.h.Hypervisor().Stop(t.Context(), b.uid, 0)) }
func (b backend) Start(t testing.TB)  { require.NoError(t, b.h.Hypervisor().Start(t.Context(), b.uid)) }

type simConnection struct {
	*sim.Connection
	names map[string]string
}

func (c simConnection) Who() string { return c.names[c.Port] }
func (c simConnection) Alive() bool { return true }

func TestBalancerSuite(t *testing.T) {
	w, h := newHost(t, sim.Config{})
	ctx, e, r := t.Context(), h.Network(), rig{w, h}
	require.NoError(t, e.EnsureNetwork(ctx, spec.Network{UID: "n"}))
	require.NoError(t, e.EnsureSubnet(ctx, spec.Subnet{UID: "s", Network: "n", Prefix: netip.MustParsePrefix("10.1.0.0/24"), Gateway: netip.MustParseAddr("10.1.0.1")}))
	require.NoError(t, e.EnsureSecurityGroup(ctx, spec.SecurityGroup{UID: "g", Rules: []spec.Rule{{UID: "in", Direction: spec.Ingress}, {UID: "out", Direction: spec.Egress}}}))
	port := func(uid string, last byte) spec.NIC {
		nic := spec.NIC{Port: uid, MAC: fmt.Sprintf("0a:00:0a:01:00:%02x", last), Addresses: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, 0, last}), 24)}}
		require.NoError(t, e.EnsurePort(ctx, spec.Port{UID: uid, Network: "n", Subnet: "s", MAC: nic.MAC, Addresses: []netip.Addr{nic.Addresses[0].Addr()}, SecurityGroups: []string{"g"}}))
		return nic
	}
	machine := func(uid string, last byte) backend {
		m := r.machine(t)
		m.NICs = []spec.NIC{port(uid, last)}
		require.NoError(t, h.Hypervisor().Define(ctx, m))
		b := backend{r, m.UID, m.NICs[0].Addresses[0].Addr()}
		b.Start(t)
		return b
	}
	port("c0", 30)
	port("c1", 31)
	names := map[string]string{"p1": "one", "p2": "two"}
	balancertest.Suite(t, balancertest.Fixture{
		Engine: h.Balancer(), NIC: port("vip", 10), One: machine("p1", 20), Two: machine("p2", 21),
		Open: func(client int, proto string, to netip.AddrPort) (balancertest.Connection, error) {
			c, err := h.Site().ConnectBalancer(fmt.Sprintf("c%d", client), to.Addr(), proto, int(to.Port()))
			if err != nil {
				return nil, err
			}
			return simConnection{c, names}, nil
		},
	})
}
