package plan

import (
	"context"
	"fmt"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/store"
)

// Plans gives access to plans and edge clouds.
type Plans struct {
	db      *store.DB
	place   *place.Place
	images  *image.Images
	compute *compute.Compute
}

// New makes a Plans on a database and the floors below.
func New(db *store.DB, p *place.Place, i *image.Images, c *compute.Compute) *Plans {
	return &Plans{db: db, place: p, images: i, compute: c}
}

// maxOpen is how many plans of an account may wait to be run. The document of IEC knows such a limit, but no number (IEC.010101).
const maxOpen = 100

// maxResources keeps one plan's transaction short.
const maxResources = 10

// NewPlan says what is to be planned: a new edge cloud by its name, or what an existing one is to get besides.
type NewPlan struct {
	Name        string // of a new edge cloud
	Cloud       string // UID of the one that is to be expanded
	Description string
	Coverage    Coverage
	Stack       Stack
}

// Create makes a plan and places it. Nothing is made yet; what the plan names must exist, and there must be room for it now.
func (p *Plans) Create(ctx context.Context, caller *identity.Caller, w NewPlan) (plan *Plan, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	lines, err := p.place.Uplinks(ctx)
	if err != nil {
		return nil, err
	}
	err = p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := p.fits(ctx, tx, caller, w); err != nil {
			return err
		}
		demands, err := p.demands(store.Join(ctx, tx), tx, caller, w.Stack)
		if err != nil {
			return err
		}
		r, err := measure(ctx, tx, w.Coverage, demands, lines)
		if err != nil {
			return err
		}
		chosen, err := r.schedule(w.Coverage)
		if err != nil {
			return err
		}
		plan = &Plan{UID: tx.NewUID(), Account: caller.Account, Cloud: w.Cloud, Expands: w.Cloud != "", Name: w.Name, Description: w.Description,
			Coverage: store.JSON[Coverage]{V: w.Coverage}, Stack: store.JSON[Stack]{V: w.Stack}, Locations: store.JSON[[]Location]{V: locations(chosen)}, Created: tx.Time()}
		if _, err := tx.NewInsert().Model(plan).Exec(ctx); err != nil {
			return fmt.Errorf("add plan: %w", err)
		}
		return audit.Note(ctx, tx, caller, "plan", plan.UID)
	})
	return plan, err
}

func (w NewPlan) check() error {
	if (w.Name == "") == (w.Cloud == "") {
		return fault.BadField("name", "either the name of a new edge cloud or the ID of an existing one must be given")
	}
	if len(w.Coverage.Places) == 0 {
		return fault.BadField("coverage", "must name at least one place")
	}
	for _, p := range w.Coverage.Places {
		if len(p.Demands) == 0 {
			return fault.BadField("coverage", "%q has no demand", p.Name)
		}
		for _, d := range p.Demands {
			if d.Count < 1 {
				return fault.BadField("coverage", "%q must have at least one stack", p.Name)
			}
		}
	}
	if len(w.Stack.Resources) == 0 || len(w.Stack.Resources) > maxResources {
		return fault.BadField("stack", "must have 1 to %d resources", maxResources)
	}
	for _, r := range w.Stack.Resources {
		if r.Count < 1 {
			return fault.BadField("count", "must be at least 1")
		}
	}
	return nil
}

// fits holds a plan against the edge clouds that there are.
func (p *Plans) fits(ctx context.Context, tx *store.Tx, caller *identity.Caller, w NewPlan) error {
	open, err := tx.NewSelect().Model((*Plan)(nil)).Where("account = ? AND NOT closed", caller.Account).Count(ctx)
	if err != nil {
		return err
	}
	if open >= maxOpen {
		return fault.OverQuota("open plans", int64(open), 1, maxOpen)
	}
	if w.Cloud == "" {
		return nameFree(ctx, tx, caller, w.Name)
	}
	c, err := find(ctx, tx, caller, w.Cloud)
	if err != nil {
		return err
	}
	if level := c.Coverage.V.Level; level == Site || level != w.Coverage.Level {
		return fault.BadField("coverage", "an edge cloud of the level %q is expanded by plans of that level, and one of the level \"site\" never", level)
	}
	return nil
}

func nameFree(ctx context.Context, tx *store.Tx, caller *identity.Caller, name string) error {
	taken, err := tx.NewSelect().Model((*Cloud)(nil)).Where("account = ? AND name = ?", caller.Account, name).Exists(ctx)
	if err == nil && taken {
		return nameTaken(name)
	}
	return err
}

func nameTaken(name string) error {
	return fault.New(fault.Exists, "There is an edge cloud named %q already.", name).On("name").About(Kind, name)
}

// demands looks up what a stack is made of, and gives what each of its instances takes of a host.
func (p *Plans) demands(ctx context.Context, tx *store.Tx, caller *identity.Caller, s Stack) ([]place.Demand, error) {
	var all []place.Demand
	for _, r := range s.Resources {
		f, err := p.place.Flavor(ctx, r.Flavor)
		if err != nil {
			return nil, err
		}
		if _, _, err := p.images.Find(ctx, caller, r.Image); err != nil {
			return nil, err
		}
		net, err := network.FindNetwork(ctx, tx, caller, r.Network)
		if err != nil {
			return nil, err
		}
		if !net.Managed {
			return nil, fault.BadField("network", "%s is planned by its owner; edge clouds need a network whose subnets the system makes", net.Name)
		}
		for _, id := range r.Groups {
			if _, err := network.FindGroup(ctx, tx, caller, id); err != nil {
				return nil, err
			}
		}
		if r.Key != "" {
			if _, err := p.compute.KeyPair(ctx, caller, r.Key); err != nil {
				return nil, err
			}
		}
		d := place.Demand{VCPUs: f.VCPUs, MemoryMiB: f.MemoryMiB, DiskGiB: r.System.GiB}
		for _, v := range r.Data {
			d.DiskGiB += v.GiB
		}
		for range r.Count {
			all = append(all, d)
		}
	}
	return all, nil
}

// locations adds up what is at the same site for the same carrier.
func locations(chosen []placed) []Location {
	var all []Location
	for _, one := range chosen {
		found := false
		for k := range all {
			if all[k].Site == one.Site && all[k].Carrier == one.Carrier {
				all[k].Stacks += one.Stacks
				found = true
			}
		}
		if !found {
			all = append(all, one.Location)
		}
	}
	return all
}

// Filter narrows a list of plans. Empty fields match any.
type Filter struct {
	ID     string
	Cloud  string
	Closed *bool
}

// List gives a window of the caller's plans, oldest first, with the total.
func (p *Plans) List(ctx context.Context, caller *identity.Caller, f Filter, w store.Window) (found []*Plan, total int, err error) {
	err = p.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model((*Plan)(nil)).Where("account = ?", caller.Account).Order("uid")
		if f.ID != "" {
			q = q.Where("uid = ?", f.ID)
		}
		if f.Cloud != "" {
			q = q.Where("cloud = ?", f.Cloud)
		}
		if f.Closed != nil {
			q = q.Where("closed = ?", *f.Closed)
		}
		found, total, err = store.ListWindow[*Plan](ctx, q, w)
		return err
	})
	return found, total, err
}

// findOpen finds one of the caller's plans that can still be run.
func findOpen(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Plan, error) {
	plan := new(Plan)
	err := tx.NewSelect().Model(plan).Where("account = ? AND uid = ? AND NOT closed", caller.Account, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("plan", id)
	}
	return plan, err
}

// Delete forgets an open plan.
func (p *Plans) Delete(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		plan, err := findOpen(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(plan).WherePK().Exec(ctx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "plan", plan.UID)
	})
}
