package compute

import (
	"context"
	"net/netip"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/fault"
	"edgecloud/store"
)

// AttachNIC puts an elastic NIC onto an instance that runs, which gets it at once, or is stopped.
func (c *Compute) AttachNIC(ctx context.Context, caller *identity.Caller, instance, nic string) (*View, error) {
	return c.change(ctx, caller, instance, "attach NIC", func(ctx context.Context, tx *store.Tx, i *Instance) (State, error) {
		port, err := network.FindElastic(ctx, tx, caller, nic)
		if err != nil {
			return "", err
		}
		if err := guard(i, "given an elastic NIC", Running, Stopped); err != nil {
			return "", err
		}
		p, err := loadParts(ctx, tx, i)
		if err != nil {
			return "", err
		}
		free, main := p.freeSlots(), p.main()
		if len(free) == 0 {
			return "", fault.Conflicting(Kind, i.Handle, "An instance has at most %d NICs.", maxNICs)
		}
		if main == nil {
			return "", fault.Conflicting(Kind, i.Handle, "The instance has no NIC of its own, beside which the elastic one would be.")
		}
		return i.rewired(), port.Claim(ctx, tx, i.UID, free[0], main)
	})
}

// DetachNIC takes an elastic NIC off the instance that it is on. One that runs loses it at once; the NIC is loose when host and site have confirmed.
func (c *Compute) DetachNIC(ctx context.Context, caller *identity.Caller, instance, nic string) (*View, error) {
	return c.change(ctx, caller, instance, "detach NIC", func(ctx context.Context, tx *store.Tx, i *Instance) (State, error) {
		port, err := network.FindElastic(ctx, tx, caller, nic)
		if err != nil {
			return "", err
		}
		if port.Instance != i.UID || port.Elastic != network.Attached {
			return "", fault.Conflicting("elastic NIC", nic, "The elastic NIC is not attached to the instance %s; it is %s.", i.Handle, port.Elastic)
		}
		if err := guard(i, "taken an elastic NIC from", Running, Stopped); err != nil {
			return "", err
		}
		return i.rewired(), loseNICs(ctx, tx, i, []string{port.UID})
	})
}

// main is the first of the instance's own NICs.
func (p *parts) main() *network.Port {
	for _, port := range p.ports {
		if port.Elastic == "" {
			return port
		}
	}
	return nil
}

// addressLimits are how many addresses an instance's main NIC has at most, the primary one included, by the instance's memory (BEC console guide, lines 1822-1834).
var addressLimits = []struct {
	upToGiB int64
	limit   int
}{{1, 2}, {8, 8}, {32, 16}, {64, 30}}

const addressLimit = 40 // of still larger ones

func (i *Instance) addressLimit() int {
	for _, l := range addressLimits {
		if i.MemoryMiB <= l.upToGiB<<10 {
			return l.limit
		}
	}
	return addressLimit
}

// AddAddresses gives an instance's main NIC further addresses of its subnet; invalid ones are any free ones.
func (c *Compute) AddAddresses(ctx context.Context, caller *identity.Caller, id string, wanted []netip.Addr) (added []string, err error) {
	err = c.onMain(ctx, caller, id, func(ctx context.Context, tx *store.Tx, i *Instance, p *network.Port) error {
		added, err = network.AddFurther(ctx, tx, p, wanted, i.addressLimit())
		return err
	})
	return added, err
}

// RemoveAddresses takes further addresses from an instance's main NIC.
func (c *Compute) RemoveAddresses(ctx context.Context, caller *identity.Caller, id string, addresses []string) error {
	return c.onMain(ctx, caller, id, func(ctx context.Context, tx *store.Tx, _ *Instance, p *network.Port) error {
		return network.RemoveFurther(ctx, tx, p, addresses)
	})
}

func (c *Compute) onMain(ctx context.Context, caller *identity.Caller, id string, change func(ctx context.Context, tx *store.Tx, i *Instance, p *network.Port) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := Find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if i.State == Deleting {
			return fault.Conflicting(Kind, i.Handle, "The instance is being deleted.")
		}
		p, err := loadParts(ctx, tx, i)
		if err != nil {
			return err
		}
		main := p.main()
		if main == nil {
			return fault.Conflicting(Kind, i.Handle, "The instance has no NIC of its own.")
		}
		if err := change(ctx, tx, i, main); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, i.UID)
	})
}

// Handles gives the handles of the caller's instances by their UIDs: one statement.
func (c *Compute) Handles(ctx context.Context, caller *identity.Caller, uids []string) (map[string]string, error) {
	handles := map[string]string{}
	if len(uids) == 0 {
		return handles, nil
	}
	err := c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		var rows []struct{ UID, Handle string }
		err := tx.NewSelect().TableExpr("instances AS i").ColumnExpr("i.uid AS uid, i.handle AS handle").Where("i.account = ? AND i.uid IN (?)", caller.Account, bun.In(uids)).Scan(ctx, &rows)
		for _, r := range rows {
			handles[r.UID] = r.Handle
		}
		return err
	})
	return handles, err
}
