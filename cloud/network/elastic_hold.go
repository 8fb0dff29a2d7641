package network

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Claim puts an elastic NIC that is on no instance onto one, at a position among its NICs, beside main, which is the instance's own (BEC attachEni: "in the same VPC
// and in the same subnet"). Its spec is written by the instance's life cycle.
func (p *Port) Claim(ctx context.Context, tx *store.Tx, instance string, position int, main *Port) error {
	if p.Elastic != Loose {
		return fault.Conflicting("elastic NIC", p.Slug, "The elastic NIC is %s; it can be on one instance only.", p.Elastic)
	}
	if p.Subnet != main.Subnet {
		return fault.Conflicting("elastic NIC", p.Slug, "The elastic NIC is on another subnet than the instance.")
	}
	p.Instance, p.Position, p.Elastic, p.Phase, p.Error = instance, position, Attaching, spec.Pending, ""
	_, err := tx.NewUpdate().Model(p).Column("instance", "position", "elastic", "phase", "error").WherePK().Exec(ctx)
	return err
}

// SetHold notes how an instance's elastic NICs are; ports that are none, or are so already, stay as they are.
func SetHold(ctx context.Context, tx *store.Tx, ports []*Port, to Hold) error {
	for _, p := range ports {
		if p.Elastic == "" || p.Elastic == to {
			continue
		}
		p.Elastic = to
		if _, err := tx.NewUpdate().Model(p).Column("elastic").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// dropOrLoosen forgets the ports that go with their instance, and makes those loose that were made by themselves: they keep their addresses and groups.
func dropOrLoosen(ctx context.Context, tx *store.Tx, ports []*Port) error {
	var going []*Port
	for _, p := range ports {
		if p.Elastic == "" {
			going = append(going, p)
			continue
		}
		// Nothing of it is wanted any more, so that its next life begins without a spec.
		p.Instance, p.Position, p.Elastic, p.Error, p.Wanted = "", 0, Loose, "", 0
		if _, err := tx.NewUpdate().Model(p).Column("instance", "position", "elastic", "error", "wanted").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return dropRows(ctx, tx, going)
}

func dropRows(ctx context.Context, tx *store.Tx, ports []*Port) error {
	if len(ports) == 0 {
		return nil
	}
	uids := make([]string, len(ports))
	for k, p := range ports {
		uids[k] = p.UID
	}
	if _, err := tx.NewDelete().Model((*PortGroup)(nil)).Where("port IN (?)", bun.In(uids)).Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model((*Port)(nil)).Where("nic <> '' AND nic IN (?)", bun.In(uids)).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewDelete().Model((*Port)(nil)).Where("uid IN (?)", bun.In(uids)).Exec(ctx)
	return err
}
