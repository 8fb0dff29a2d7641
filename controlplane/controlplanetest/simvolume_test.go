package controlplanetest

import (
	"fmt"
	"slices"

	"edgecloud/cloud/network"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/store"
)

// cloudDisk makes a volume that stands alone, puts one on an instance or takes one off, makes it larger, or deletes it, by the verbs themselves.
func (s *simClient) cloudDisk(id string) {
	r, caller := s.c.rng, s.caller()
	found, _, err := volume.List(s.c.ctx, s.c.cp.DB, caller, volume.Filter{}, store.Window{})
	var loose, on []*volume.Volume
	for _, v := range found {
		switch v.Hold {
		case volume.Loose:
			loose = append(loose, v)
		case volume.Attached:
			on = append(on, v)
		}
	}
	switch k := r.IntN(5); {
	case err != nil:
	case k == 0 || len(loose)+len(on) == 0:
		site := s.c.sites[r.IntN(len(s.c.sites))]
		_, err = volume.CreateLoose(s.c.ctx, s.c.cp.DB, caller, []volume.NewLoose{{Site: site, Count: 1, Name: "disk", Storage: "CDS_SSD", GiB: 50}})
	case k == 1 && len(loose) > 0:
		_, err = s.c.cp.Compute.AttachVolume(s.c.ctx, caller, id, loose[r.IntN(len(loose))].UID)
	case k == 2 && len(on) > 0:
		v := on[r.IntN(len(on))]
		_, err = s.c.cp.Compute.DetachVolume(s.c.ctx, caller, v.Instance, v.UID)
	case k == 3 && len(loose) > 0:
		err = volume.Delete(s.c.ctx, s.c.cp.DB, caller, loose[r.IntN(len(loose))].UID)
	case len(loose)+len(on) > 0:
		all := slices.Concat(loose, on)
		v := all[r.IntN(len(all))]
		err = s.c.cp.Compute.GrowVolume(s.c.ctx, caller, v.UID, v.GiB+1)
	}
	s.c.stats[fmt.Sprint("cloud disk ", fault.From(err) == nil)]++
	if err != nil && fault.From(err).Kind == fault.Internal {
		s.c.t.Errorf("changing a cloud disk: %v", err)
	}
}

// dropCloudDisks deletes the volumes that stand alone.
func (s *simClient) dropCloudDisks() error {
	found, _, err := volume.List(s.c.ctx, s.c.cp.DB, s.caller(), volume.Filter{}, store.Window{})
	for _, v := range found {
		if err == nil {
			err = volume.Delete(s.c.ctx, s.c.cp.DB, s.caller(), v.UID)
		}
	}
	return err
}

// move takes an instance to a subnet of any of the account's networks.
func (s *simClient) move(id string) {
	r, caller := s.c.rng, s.caller()
	d, err := s.c.cp.Compute.Get(s.c.ctx, caller, id)
	if err != nil {
		return
	}
	nets, _, err := s.c.cp.Networks.ListNetworks(s.c.ctx, caller, network.NetworkFilter{Site: d.Site}, store.Page{})
	if err != nil || len(nets) == 0 {
		return
	}
	_, subnets, err := s.c.cp.Networks.GetNetwork(s.c.ctx, caller, nets[r.IntN(len(nets))].UID)
	if err != nil || len(subnets) == 0 {
		return
	}
	_, err = s.c.cp.Compute.ChangeNetwork(s.c.ctx, caller, id, subnets[r.IntN(len(subnets))].UID)
	s.c.stats[fmt.Sprint("move ", fault.From(err) == nil)]++
	if err != nil && fault.From(err).Kind == fault.Internal {
		s.c.t.Errorf("moving an instance: %v", err)
	}
}
