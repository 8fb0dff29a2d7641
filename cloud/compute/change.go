package compute

import (
	"context"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// Resize changes an instance's processors and memory on its host; one that runs is restarted (features/vm.md: "compute package change -> reboot").
func (c *Compute) Resize(ctx context.Context, caller *identity.Caller, id string, s Size) (*View, error) {
	size, err := c.size(ctx, s)
	if err != nil {
		return nil, err
	}
	return c.change(ctx, caller, id, "resize", func(ctx context.Context, tx *store.Tx, i *Instance) (State, error) {
		if err := guard(i, "resized", Running, Stopped, Amending); err != nil {
			return "", err
		}
		from := i.Demand()
		before := Size{VCPUs: i.VCPUs, MemoryMiB: i.MemoryMiB}
		i.Flavor, i.VCPUs, i.MemoryMiB = size.Flavor, size.VCPUs, size.MemoryMiB
		if err := place.Change(ctx, tx, i.Host, from, i.Demand()); err != nil {
			return "", err
		}
		changes := append(instanceCost(before, -1), instanceCost(size, 1)...)
		if err := quota.Count(ctx, tx, i.Account, changes...); err != nil {
			return "", err
		}
		if i.State != Running {
			return Amending, nil
		}
		i.Power, i.ForceOff = spec.Off, false
		return ResizeStopping, nil
	})
}

// SetLogin changes how people get into an instance. One that runs gets it at once and is restarted; one that is stopped, when it starts.
func (c *Compute) SetLogin(ctx context.Context, caller *identity.Caller, id string, l Login) (*View, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	return c.change(ctx, caller, id, "password", func(ctx context.Context, tx *store.Tx, i *Instance) (State, error) {
		if err := guard(i, "given another login", Running, Stopped, Amending); err != nil {
			return "", err
		}
		keys, err := resolveKeys(ctx, tx, caller, l.Keys)
		if err != nil {
			return "", err
		}
		i.Keys.V = keys
		if l.PasswordHash != "" {
			i.PasswordHash, i.Password = l.PasswordHash, i.Password+1
		}
		if i.State != Running {
			return Amending, nil
		}
		return Password, nil
	})
}

// Rename says what is to be changed of an instance's names; nil leaves a field.
type Rename struct {
	Name        *string
	Hostname    *string
	Description *string
}

// Rename changes an instance's names in any state but deleting. A new host name is learned by the guest at its next first boot.
func (c *Compute) Rename(ctx context.Context, caller *identity.Caller, id string, r Rename) (*View, error) {
	if r.Name != nil {
		if err := checkName(*r.Name); err != nil {
			return nil, err
		}
	}
	if r.Hostname != nil && !hostname.MatchString(*r.Hostname) {
		return nil, badHostname()
	}
	return c.amend(ctx, caller, id, func(_ context.Context, _ *store.Tx, i *Instance) error {
		set(&i.Name, r.Name)
		set(&i.Description, r.Description)
		if r.Hostname != nil {
			i.Hostname, i.Dirty = *r.Hostname, true
		}
		return nil
	})
}

// SetBandwidth changes the bandwidth of an instance's public addresses, without a restart. An instance that has none gets them.
func (c *Compute) SetBandwidth(ctx context.Context, caller *identity.Caller, id string, mbps int64) (*View, error) {
	if mbps < 1 {
		return nil, fault.BadField("bandwidth", "must be at least 1 Mbps")
	}
	return c.amend(ctx, caller, id, func(ctx context.Context, tx *store.Tx, i *Instance) error {
		ips, err := network.PublicIPsOf(ctx, tx, i.UID)
		if err != nil {
			return err
		}
		if len(ips) == 0 {
			return fault.Conflicting(Kind, i.Handle, "The instance has no public address whose bandwidth could be changed.")
		}
		i.Mbps, i.Dirty = mbps, true
		return network.SetBandwidth(ctx, tx, ips, mbps)
	})
}

// amend changes an instance without leaving its state.
func (c *Compute) amend(ctx context.Context, caller *identity.Caller, id string, apply func(ctx context.Context, tx *store.Tx, i *Instance) error) (view *View, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := Find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if i.State == Deleting {
			return fault.Conflicting(Kind, i.Handle, "The instance is being deleted.")
		}
		if err := apply(ctx, tx, i); err != nil {
			return err
		}
		i.Changed = tx.Time()
		if _, err := tx.NewUpdate().Model(i).Column("name", "hostname", "description", "mbps", "dirty", "changed").WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := audit.Note(ctx, tx, caller, Kind, i.UID); err != nil {
			return err
		}
		if i.Dirty {
			if err := work.Wake(ctx, tx, Kind, i.UID); err != nil {
				return err
			}
		}
		view, err = c.view(ctx, tx, i.UID)
		return err
	})
	return view, err
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// BindGroups puts instances into security groups, or takes them out.
func (c *Compute) BindGroups(ctx context.Context, caller *identity.Caller, instances, groups []string, in bool) error {
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var uids []string
		for _, id := range instances {
			i, err := Find(ctx, tx, caller, id)
			if err != nil {
				return err
			}
			if i.State == Deleting { // its ports' specs are tombstones, which this would bring back to life
				return fault.Conflicting(Kind, i.Handle, "The instance is being deleted.")
			}
			uids = append(uids, i.UID)
		}
		return c.networks.Bind(store.Join(ctx, tx), caller, uids, groups, in)
	})
}
