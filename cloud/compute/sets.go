package compute

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/store"
)

// SetView is a placement set with its members.
type SetView struct {
	*place.Set
	Members []*SetMember
}

// SetMember is an instance of a placement set.
type SetMember struct {
	Set    string `bun:"pset"`
	Site   string `bun:"site"`
	Handle string `bun:"handle"`
}

// Sets lists the caller's placement sets with their members, oldest first: two statements however many there are.
func (c *Compute) Sets(ctx context.Context, caller *identity.Caller) (views []*SetView, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		sets, err := c.place.Sets(store.Join(ctx, tx), caller)
		if err != nil {
			return err
		}
		views, err = viewSets(ctx, tx, sets)
		return err
	})
	return views, err
}

// Set gives one of the caller's placement sets with its members.
func (c *Compute) Set(ctx context.Context, caller *identity.Caller, id string) (view *SetView, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := place.FindSet(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		views, err := viewSets(ctx, tx, []*place.Set{s})
		if err != nil {
			return err
		}
		view = views[0]
		return nil
	})
	return view, err
}

func viewSets(ctx context.Context, tx *store.Tx, sets []*place.Set) ([]*SetView, error) {
	views := make([]*SetView, len(sets))
	byUID := map[string]*SetView{}
	uids := make([]string, len(sets))
	for k, s := range sets {
		views[k] = &SetView{Set: s}
		uids[k], byUID[s.UID] = s.UID, views[k]
	}
	if len(sets) == 0 {
		return views, nil
	}
	var members []*SetMember
	err := tx.NewSelect().TableExpr("placement_members AS m").ColumnExpr("m.pset, m.site, i.handle").Join("JOIN instances AS i ON i.uid = m.instance").
		Where("m.pset IN (?)", bun.In(uids)).Order("i.uid").Scan(ctx, &members)
	for _, m := range members {
		byUID[m.Set].Members = append(byUID[m.Set].Members, m)
	}
	return views, err
}

// Place puts an instance into a placement set instead of the one it is in; an empty set only takes it out. The instance stays on its host, so that it cannot
// join a set which has another member there.
func (c *Compute) Place(ctx context.Context, caller *identity.Caller, instance, set string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := Find(ctx, tx, caller, instance)
		if err != nil {
			return err
		}
		if i.State == Deleting {
			return fault.Conflicting(Kind, i.Handle, "The instance is being deleted.")
		}
		if err := place.Leave(ctx, tx, i.UID); err != nil {
			return err
		}
		if set != "" {
			s, err := place.FindSet(ctx, tx, caller, set)
			if err != nil {
				return err
			}
			if err := place.Join(ctx, tx, s.UID, i.UID, i.Host, i.Site); err != nil {
				return err
			}
		}
		return audit.Note(ctx, tx, caller, Kind, i.UID)
	})
}

// Unplace takes instances out of a placement set. An instance that is not in it is refused, so that a wrong name is noticed.
func (c *Compute) Unplace(ctx context.Context, caller *identity.Caller, set string, instances []string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := place.FindSet(ctx, tx, caller, set)
		if err != nil {
			return err
		}
		for _, id := range instances {
			i, err := Find(ctx, tx, caller, id)
			if err != nil {
				return err
			}
			left, err := place.LeaveSet(ctx, tx, s.UID, i.UID)
			if err != nil {
				return err
			}
			if !left {
				return fault.Conflicting("placement set", s.Slug, "The instance %s is not in the placement set.", i.Handle)
			}
		}
		return audit.Note(ctx, tx, caller, "placement set", s.UID)
	})
}
