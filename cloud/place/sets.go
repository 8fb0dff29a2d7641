package place

import (
	"context"
	"fmt"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
)

// CreateSet makes an empty placement set.
func (p *Place) CreateSet(ctx context.Context, caller *identity.Caller, name, description string) (*Set, error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := checkSetText(name, description); err != nil {
		return nil, err
	}
	var s *Set
	err := p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s = &Set{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: caller.Account, Name: name, Description: description, Created: store.At(tx.Now())}
		if _, err := tx.NewInsert().Model(s).Exec(ctx); err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.PlacementSets, Delta: 1}); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "placement set", s.UID)
	})
	return s, err
}

func checkSetText(name, description string) error {
	if name == "" || len([]rune(name)) > 64 {
		return fault.BadField("name", "must have 1 to 64 characters")
	}
	if len([]rune(description)) > 256 {
		return fault.BadField("desc", "must have at most 256 characters")
	}
	return nil
}

// UpdateSet changes a placement set's name and description; nil leaves one.
func (p *Place) UpdateSet(ctx context.Context, caller *identity.Caller, id string, name, description *string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := FindSet(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if name != nil {
			s.Name = *name
		}
		if description != nil {
			s.Description = *description
		}
		if err := checkSetText(s.Name, s.Description); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(s).Column("name", "description").WherePK().Exec(ctx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "placement set", s.UID)
	})
}

// FindSet finds the caller's placement set by UID or slug inside a transaction.
func FindSet(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Set, error) {
	s := new(Set)
	err := tx.NewSelect().Model(s).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("placement set", id)
	}
	return s, err
}

// Sets lists the caller's placement sets, oldest first.
func (p *Place) Sets(ctx context.Context, caller *identity.Caller) ([]*Set, error) {
	var all []*Set
	err := p.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(&all).Where("account = ?", caller.Account).Order("uid").Scan(ctx)
	})
	return all, err
}

// Members lists who is in a set.
func Members(ctx context.Context, tx *store.Tx, set string) ([]*Member, error) {
	var all []*Member
	err := tx.NewSelect().Model(&all).Where("pset = ?", set).Order("instance").Scan(ctx)
	return all, err
}

// MaxSetPerSite is how many instances of a placement set a site takes (BEC console guide, line 1130).
const MaxSetPerSite = 10

// Join puts an instance that was placed on host into a set. The database refuses a second member on the same host.
func Join(ctx context.Context, tx *store.Tx, set, instance, host, site string) error {
	_, err := tx.NewInsert().Model(&Member{Set: set, Instance: instance, Host: host, Site: site}).Exec(ctx)
	if _, dup := store.IsUnique(err); dup {
		return fault.New(fault.Conflict, "Another instance of the placement set is on the same host.")
	}
	if err != nil {
		return fmt.Errorf("join placement set %s: %w", set, err)
	}
	here, err := tx.NewSelect().Model((*Member)(nil)).Where("pset = ? AND site = ?", set, site).Count(ctx)
	if err == nil && here > MaxSetPerSite {
		return fault.OverQuota("instances of a placement set at a node", int64(here-1), 1, MaxSetPerSite)
	}
	return err
}

// LeaveSet takes an instance out of one set, and tells whether it was in it.
func LeaveSet(ctx context.Context, tx *store.Tx, set, instance string) (left bool, err error) {
	res, err := tx.NewDelete().Model((*Member)(nil)).Where("pset = ? AND instance = ?", set, instance).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Leave takes an instance out of every set it is in.
func Leave(ctx context.Context, tx *store.Tx, instance string) error {
	_, err := tx.NewDelete().Model((*Member)(nil)).Where("instance = ?", instance).Exec(ctx)
	return err
}

// DeleteSet removes an empty placement set.
func (p *Place) DeleteSet(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := FindSet(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		_, err = tx.NewDelete().Model(s).WherePK().Exec(ctx)
		if store.IsForeignKey(err) {
			return fault.Conflicting("placement set", id, "The placement set has instances and cannot be deleted.")
		}
		if err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, s.Account, quota.Change{Name: quota.PlacementSets, Delta: -1}); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "placement set", s.UID)
	})
}
