package check

import (
	"context"
	"fmt"
	"sort"

	"edgecloud/store"
)

// Finding is one thing that is not as it should be.
type Finding struct {
	Rule string `bun:"-"` // which invariant it breaks
	Kind string `bun:"kind"`
	UID  string `bun:"uid"`
	Text string `bun:"text"` // what is wrong, for people
}

// String is the finding in one line.
func (f Finding) String() string { return fmt.Sprintf("%s: %s %s: %s", f.Rule, f.Kind, f.UID, f.Text) }

// rule is one invariant: a query that finds what breaks it, as kind, uid and text.
type rule struct {
	name  string
	query string
}

// Rows checks what must hold at every moment. All rules see the same snapshot.
func Rows(ctx context.Context, db *store.DB) ([]Finding, error) { return run(ctx, db, always) }

// Settled checks what must hold when everything has been carried out: no work left, no tombstone unanswered, all observed as wanted.
func Settled(ctx context.Context, db *store.DB) ([]Finding, error) { return run(ctx, db, atRest) }

// Report checks all that must hold at every moment, and, when settled, at rest too; it tells how many rules it tried.
func Report(ctx context.Context, db *store.DB, settled bool) (found []Finding, rules int, err error) {
	tried := always
	if settled {
		tried = append(append([]rule{}, always...), atRest...)
	}
	found, err = run(ctx, db, tried)
	return found, len(tried), err
}

// Names lists all rules on rows.
func Names() (names []string) {
	for _, r := range append(append([]rule{}, always...), atRest...) {
		names = append(names, r.name)
	}
	return names
}

func run(ctx context.Context, db *store.DB, rules []rule) (all []Finding, err error) {
	err = db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all = nil
		for _, r := range rules {
			var found []Finding
			if err := tx.NewRaw("SELECT kind, uid, text FROM ("+r.query+") AS finding").Scan(ctx, &found); err != nil {
				return fmt.Errorf("check %s: %w", r.name, err)
			}
			for _, f := range found {
				f.Rule = r.name
				all = append(all, f)
			}
		}
		return nil
	})
	return all, err
}

// Object is one thing that an engine has, under the target whose specs it came from (spec.HostTarget, spec.SiteTarget).
type Object struct{ Target, Kind, UID string }

// head is a spec without its body.
type head struct {
	Target  string `bun:"target"`
	Kind    string `bun:"kind"`
	UID     string `bun:"uid"`
	Deleted bool   `bun:"deleted"`
}

// Engines compares what engines have with what the specs of the named targets say: more is a leak, less is drift. An object with a tombstone is neither: it
// is about to go.
func Engines(ctx context.Context, db *store.DB, targets []string, have []Object) ([]Finding, error) {
	asked := map[string]bool{}
	for _, t := range targets {
		asked[t] = true
	}
	specs := map[Object]bool{}
	err := db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		var heads []head
		if err := tx.NewRaw("SELECT target, kind, uid, deleted FROM link_specs").Scan(ctx, &heads); err != nil {
			return fmt.Errorf("check engines: %w", err)
		}
		for _, h := range heads {
			specs[Object{h.Target, h.Kind, h.UID}] = !h.Deleted
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return compare(asked, specs, have), nil
}

// compare finds leaks and drift; specs tells of each spec whether it is live.
func compare(asked map[string]bool, specs map[Object]bool, have []Object) []Finding {
	var all []Finding
	there := map[Object]bool{}
	for _, o := range have {
		there[o] = true
		if _, known := specs[o]; !known {
			all = append(all, Finding{"engine leak", o.Kind, o.UID, "the engine of " + o.Target + " has it and no spec knows it"})
		}
	}
	for o, live := range specs {
		if live && asked[o.Target] && !there[o] {
			all = append(all, Finding{"engine drift", o.Kind, o.UID, "its spec is live and the engine of " + o.Target + " does not have it"})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].String() < all[j].String() })
	return all
}
