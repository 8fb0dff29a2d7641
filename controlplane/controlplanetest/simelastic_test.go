package controlplanetest

import (
	"net/netip"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/network"
	"edgecloud/store"
)

// elasticNIC makes, attaches, detaches, changes or deletes an elastic NIC beside an instance.
func (s *simClient) elasticNIC(instance string) {
	r, caller, nets := s.c.rng, s.caller(), s.c.cp.Networks
	d, err := s.c.cp.Compute.Get(s.c.ctx, caller, instance)
	if err != nil {
		return
	}
	found, _, err := nets.ListElasticNICs(s.c.ctx, caller, network.ElasticFilter{Network: d.Ports[0].Network}, store.Page{})
	require.NoError(s.c.t, err)
	if len(found) == 0 || len(found) < 6 && r.IntN(3) == 0 {
		if len(d.Groups) == 0 {
			return
		}
		made, err := nets.CreateElasticNIC(s.c.ctx, caller, network.NewElasticNIC{Name: "e", Subnet: d.Ports[0].Subnet, Groups: []string{d.Groups[0].UID}, Further: make([]netip.Addr, r.IntN(3))})
		if !s.refusal("elastic NIC made", err) {
			_, err = s.c.cp.Compute.AttachNIC(s.c.ctx, caller, instance, made.UID)
			s.refusal("elastic NIC attached", err)
		}
		return
	}
	one := found[r.IntN(len(found))]
	switch r.IntN(6) {
	case 0, 1:
		if one.Instance != "" {
			_, err = s.c.cp.Compute.DetachNIC(s.c.ctx, caller, one.Instance, one.UID)
			s.refusal("elastic NIC detached", err)
			return
		}
		_, err = s.c.cp.Compute.AttachNIC(s.c.ctx, caller, instance, one.UID)
		s.refusal("elastic NIC attached", err)
	case 2, 3:
		_, err = nets.AddElasticAddresses(s.c.ctx, caller, one.UID, make([]netip.Addr, 1+r.IntN(2)))
		s.refusal("address added", err)
		_, err = s.c.cp.Compute.AddAddresses(s.c.ctx, caller, instance, make([]netip.Addr, 1))
		s.refusal("instance's address added", err)
	case 4:
		if len(one.Further.V) > 0 {
			s.refusal("address removed", nets.RemoveElasticAddresses(s.c.ctx, caller, one.UID, one.Further.V[:1]))
		}
		if more := d.Ports[0].Further.V; len(more) > 0 {
			s.refusal("instance's address removed", s.c.cp.Compute.RemoveAddresses(s.c.ctx, caller, instance, more[:1]))
		}
	default:
		s.refusal("elastic NIC deleted", nets.DeleteElasticNIC(s.c.ctx, caller, one.UID))
	}
}

// dropElasticNICs deletes all elastic NICs when no instance is left.
func (s *simClient) dropElasticNICs() {
	nets := s.c.cp.Networks
	found, _, err := nets.ListElasticNICs(s.c.ctx, s.caller(), network.ElasticFilter{}, store.Page{})
	require.NoError(s.c.t, err)
	for _, one := range found {
		require.NoError(s.c.t, nets.DeleteElasticNIC(s.c.ctx, s.caller(), one.UID))
	}
}
