package compute_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
)

func (b *bed) instance() *compute.Detail {
	d, err := b.CP.Compute.Get(context.Background(), b.Caller, b.id)
	require.NoError(b.T, err)
	return d
}

func slots(d *compute.Detail) (all []int) {
	for _, p := range d.Ports {
		all = append(all, p.Position)
	}
	return all
}

func TestNICsAreOnTheSubnetsThatAreAskedForAndKeepTheirSlots(t *testing.T) {
	b, ctx := newBed(t), t.Context()
	net, err := b.CP.Networks.CreateNetwork(ctx, b.Caller, network.NewNetwork{Site: b.Site, Name: "n", CIDR: "10.7.0.0/16"})
	require.NoError(t, err)
	var subnets []string
	for _, cidr := range []string{"10.7.1.0/24", "10.7.2.0/24"} {
		s, err := b.CP.Networks.CreateSubnet(ctx, b.Caller, network.NewSubnet{Network: net.UID, Name: "s", CIDR: cidr})
		require.NoError(t, err)
		subnets = append(subnets, s.UID)
	}
	made, err := b.CP.Compute.Create(ctx, b.Caller, compute.NewInstances{Size: compute.Size{VCPUs: 1, MemoryMiB: 1024}, Image: "Debian", System: volume.New{GiB: 40},
		Spread: []compute.Spread{{Site: b.Site, Count: 1, NICs: []compute.NIC{{Subnet: subnets[0]}, {Subnet: subnets[1]}}, Labels: []compute.Label{{Name: "Web_1", Hostname: "web-1"}}}},
		Login:  compute.Login{PasswordHash: "$6$salt$hash"}, Public: true, Mbps: 5, Payment: compute.Postpaid})
	require.NoError(t, err)
	b.id = made.Instances[0].UID
	b.settle()
	d := b.instance()
	require.Equal(t, compute.Running, d.State)
	require.Equal(t, []string{"Web_1", "web-1", "Web_1-volume-0000"}, []string{d.Name, d.Hostname, d.Volumes[0].Name})
	require.Equal(t, subnets, []string{d.Ports[0].Subnet, d.Ports[1].Subnet})
	require.Equal(t, d.Ports[0].UID, d.IPs[0].Port, "the first NIC bears the public address")

	more := make([]compute.NIC, 7)
	_, err = b.CP.Compute.AddNICs(ctx, b.Caller, b.id, more)
	require.True(t, fault.Is(err, fault.Conflict), "nine NICs: %v", err)
	_, err = b.CP.Compute.AddNICs(ctx, b.Caller, b.id, more[:2])
	require.NoError(t, err)
	_, err = b.CP.Compute.AddNICs(ctx, b.Caller, b.id, more[:1])
	require.True(t, fault.Is(err, fault.Conflict), "another change is under way: %v", err)
	b.settle()
	require.Equal(t, []int{0, 1, 2, 3}, slots(b.instance()))

	d = b.instance()
	_, err = b.CP.Compute.RemoveNICs(ctx, b.Caller, b.id, []string{d.Ports[0].UID})
	require.True(t, fault.Is(err, fault.Conflict), "it bears a public address: %v", err)
	_, err = b.CP.Compute.RemoveNICs(ctx, b.Caller, b.id, []string{d.Ports[1].UID, "nobody's"})
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	_, err = b.CP.Compute.RemoveNICs(ctx, b.Caller, b.id, []string{d.Ports[1].UID, d.Ports[2].UID})
	require.NoError(t, err)
	b.settle()
	require.Equal(t, []int{0, 3}, slots(b.instance()))
	require.Equal(t, compute.Running, b.instance().State)
	_, err = b.CP.Compute.AddNICs(ctx, b.Caller, b.id, more[:1])
	require.NoError(t, err)
	b.settle()
	require.Equal(t, []int{0, 1, 3}, slots(b.instance()), "the lowest free slot is taken")
	guest, ok := b.Host.Guest(b.id)
	require.True(t, ok)
	require.Len(t, guest.Ports, 3)
}

func TestAnInstanceKeepsOneNIC(t *testing.T) {
	b, ctx := newBed(t), t.Context()
	b.create()
	b.settle()
	_, err := b.CP.Compute.AddNICs(ctx, b.Caller, b.id, []compute.NIC{{}})
	require.NoError(t, err)
	b.settle()
	d := b.instance()
	_, err = b.CP.Compute.RemoveNICs(ctx, b.Caller, b.id, []string{d.Ports[0].UID, d.Ports[1].UID})
	require.True(t, fault.Is(err, fault.Conflict), "%v", err)
	require.Len(t, b.instance().Ports, 2)
}
