package network

import (
	"context"
	"net/netip"

	"edgecloud/fault"
	"edgecloud/store"
)

// choice is an address that has been chosen for a port.
type choice struct {
	subnet  string
	address netip.Addr
}

// choose finds addresses for a batch. On a network whose subnets the system makes a batch that its subnet cannot hold goes on in the others, and in new ones while the range lasts.
func (r *Resolved) choose(ctx context.Context, tx *store.Tx, count int) ([]choice, error) {
	if !r.own {
		return r.take(ctx, tx, r.Subnet, count)
	}
	if err := lockNetwork(ctx, tx, r.Network.UID); err != nil {
		return nil, err
	}
	var others []*Subnet
	if err := tx.NewSelect().Model(&others).Where("network = ? AND site = ? AND uid <> ?", r.Network.UID, r.Subnet.Site, r.Subnet.UID).Order("uid").Scan(ctx); err != nil {
		return nil, err
	}
	var chosen []choice
	for _, s := range append([]*Subnet{r.Subnet}, others...) {
		more, err := r.takeLeft(ctx, tx, s, count-len(chosen))
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, more...)
	}
	for len(chosen) < count {
		s, err := addOwnSubnet(ctx, tx, r.Network, r.Subnet.Site)
		if err != nil {
			return nil, err
		}
		more, err := r.takeLeft(ctx, tx, s, count-len(chosen))
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, more...)
	}
	return chosen, nil
}

// takeLeft takes as many addresses of a subnet as are left, at most count.
func (r *Resolved) takeLeft(ctx context.Context, tx *store.Tx, s *Subnet, count int) ([]choice, error) {
	if count == 0 {
		return nil, nil
	}
	used, err := tx.NewSelect().Model((*Port)(nil)).Where("subnet = ? AND kind <> ?", s.UID, Gateway).Count(ctx)
	if err != nil {
		return nil, err
	}
	if count = min(count, int(usable(s.Prefix()))-used); count <= 0 {
		return nil, nil
	}
	chosen, err := r.take(ctx, tx, s, count)
	if fault.Is(err, fault.Capacity) {
		return nil, nil // others, who named the subnet, were faster
	}
	return chosen, err
}

func (r *Resolved) take(ctx context.Context, tx *store.Tx, s *Subnet, count int) ([]choice, error) {
	free, err := allocate(ctx, tx, s, count)
	chosen := make([]choice, len(free))
	for i, a := range free {
		chosen[i] = choice{s.UID, a}
	}
	return chosen, err
}
