package plan

import (
	"context"
	"fmt"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/operation"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/work"
)

// Naming calls the instances of a resource at a site. first is how many the edge cloud has there already; count how many are made now.
type Naming func(ctx context.Context, site *place.Site, r Resource, first, count int) ([]compute.Label, error)

// Deploy runs a plan for a new edge cloud: it makes all instances in one transaction, or nothing. The edge cloud is in service when all of them are.
func (p *Plans) Deploy(ctx context.Context, caller *identity.Caller, id string, naming Naming) (*Cloud, error) {
	return p.run(ctx, caller, id, func(ctx context.Context, tx *store.Tx, plan *Plan) (*Cloud, error) {
		if plan.Expands {
			return nil, fault.Missing("plan", id)
		}
		if err := nameFree(ctx, tx, caller, plan.Name); err != nil {
			return nil, err
		}
		c := &Cloud{Account: plan.Account, Name: plan.Name, Description: plan.Description, Coverage: plan.Coverage, State: Creating, Created: tx.Time(), Changed: tx.Time()}
		if err := p.make(ctx, tx, caller, plan, c, naming); err != nil {
			return nil, err
		}
		if _, err := tx.NewInsert().Model(c).Exec(ctx); err != nil {
			if _, dup := store.IsUnique(err); dup {
				return nil, nameTaken(c.Name)
			}
			return nil, fmt.Errorf("add edge cloud: %w", err)
		}
		return c, quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.EdgeClouds, Delta: 1})
	})
}

// Expand runs a plan for an edge cloud that is in service: it adds all instances in one transaction, or none.
func (p *Plans) Expand(ctx context.Context, caller *identity.Caller, id string, naming Naming) (*Cloud, error) {
	return p.run(ctx, caller, id, func(ctx context.Context, tx *store.Tx, plan *Plan) (*Cloud, error) {
		if !plan.Expands {
			return nil, fault.Missing("plan", id)
		}
		c, err := find(ctx, tx, caller, plan.Cloud)
		if err != nil {
			return nil, err
		}
		if c.State != InService {
			return nil, c.busy("expanded")
		}
		if err := p.make(ctx, tx, caller, plan, c, naming); err != nil {
			return nil, err
		}
		c.Coverage.V.Places = append(c.Coverage.V.Places, plan.Coverage.V.Places...)
		c.State, c.Error, c.Changed = Updating, "", tx.Time()
		_, err = tx.NewUpdate().Model(c).Column("coverage", "parts", "state", "error", "changed").WherePK().Exec(ctx)
		return c, err
	})
}

// run closes an open plan together with what carries it out, and begins the edge cloud's work.
func (p *Plans) run(ctx context.Context, caller *identity.Caller, id string, carryOut func(ctx context.Context, tx *store.Tx, plan *Plan) (*Cloud, error)) (c *Cloud, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		plan, err := findOpen(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if c, err = carryOut(store.Join(ctx, tx), tx, plan); err != nil {
			return err
		}
		plan.Cloud, plan.Closed = c.UID, true
		if _, err := tx.NewUpdate().Model(plan).Column("cloud", "closed").WherePK().Exec(ctx); err != nil {
			return err
		}
		return c.begin(ctx, tx, caller)
	})
	return c, err
}

// begin opens the operation of an edge cloud that has been moved on, and wakes its life cycle.
func (c *Cloud) begin(ctx context.Context, tx *store.Tx, caller *identity.Caller) error {
	if _, err := operation.Open(ctx, tx, c.Account, string(c.State), Kind, c.UID, string(c.State)); err != nil {
		return err
	}
	if err := work.Wake(ctx, tx, Kind, c.UID); err != nil {
		return err
	}
	return audit.Note(ctx, tx, caller, Kind, c.UID)
}

// make makes the instances of a plan in the edge cloud's group, which the first of them brings about. Sites are chosen again, since there may be less room than
// when the plan was made.
func (p *Plans) make(ctx context.Context, tx *store.Tx, caller *identity.Caller, plan *Plan, c *Cloud, naming Naming) error {
	lines, err := p.place.Uplinks(ctx)
	if err != nil {
		return err
	}
	stack := plan.Stack.V
	demands, err := p.demands(ctx, tx, caller, stack)
	if err != nil {
		return err
	}
	r, err := measure(ctx, tx, plan.Coverage.V, demands, lines)
	if err != nil {
		return err
	}
	chosen, err := r.schedule(plan.Coverage.V)
	if err != nil {
		return err
	}
	plan.Locations.V = locations(chosen)
	for _, one := range stack.Resources {
		if err := p.makeResource(ctx, caller, plan, c, one, naming); err != nil {
			return err
		}
	}
	for _, one := range chosen {
		for range one.Stacks {
			c.Parts.V = append(c.Parts.V, Part{UID: tx.NewUID(), Site: one.Site, Place: one.place, Stack: stack})
		}
	}
	return nil
}

func (p *Plans) makeResource(ctx context.Context, caller *identity.Caller, plan *Plan, c *Cloud, r Resource, naming Naming) error {
	w := compute.NewInstances{Group: c.UID, GroupName: plan.Name, Watcher: Kind, Size: compute.Size{Flavor: r.Flavor}, Image: r.Image, System: r.System, Data: r.Data, Login: r.login(),
		UserData: r.UserData, Groups: r.Groups, Public: r.Public, Payment: compute.Postpaid}
	if r.Public {
		w.Sharing = &network.Sharing{}
	}
	for _, l := range plan.Locations.V {
		site, err := p.place.Site(ctx, l.Site)
		if err != nil {
			return err
		}
		s := compute.Spread{Site: site, Count: l.Stacks * r.Count, Carriers: []place.Carrier{l.Carrier}}
		for range r.NICs {
			s.NICs = append(s.NICs, compute.NIC{Network: r.Network, Pairs: r.Pairs})
		}
		if s.Labels, err = naming(ctx, site, r, c.stacksAt(l.Site)*r.Count, s.Count); err != nil {
			return err
		}
		w.Spread = append(w.Spread, s)
	}
	made, err := p.compute.Create(ctx, caller, w)
	if err != nil {
		return err
	}
	c.UID = made.Group.UID
	return nil
}

// stacksAt is how many stacks an edge cloud has at a site.
func (c *Cloud) stacksAt(site string) (n int) {
	for _, part := range c.Parts.V {
		if part.Site == site {
			n++
		}
	}
	return n
}
