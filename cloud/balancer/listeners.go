package balancer

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// What is taken where nothing is said. The document gives no defaults for checks: these are the values of its examples.
const (
	DefaultTimeout   = 900 // seconds (BEC, product guide, load balancers)
	DefaultInterval  = 3
	DefaultAnswer    = 3
	DefaultUnhealthy = 3
)

// The bounds of a listener's time-out in seconds (BEC, product guide, load balancers).
const (
	minTimeout = 10
	maxTimeout = 4000
)

// maxThreshold, maxSeconds and maxSend bound checks, for which the document gives none.
const (
	maxThreshold = 10
	maxSeconds   = 300
	maxSend      = 64
)

// NewListener is what a caller says of a listener of an ordinary balancer. Zero times and thresholds are the defaults.
type NewListener struct {
	Protocol       string // tcp or udp
	Port           int
	BackendPort    int
	Scheduler      spec.Scheduler // empty: round robin
	TimeoutSeconds int
	Check          Check // an empty protocol is the listener's
}

func (w *NewListener) complete() error {
	if w.Protocol != "tcp" && w.Protocol != "udp" {
		return fault.BadField("protocol", "must be TCP or UDP")
	}
	for field, port := range map[string]int{"port": w.Port, "backendPort": w.BackendPort} {
		if port < 1 || port > 65535 {
			return fault.BadField(field, "must be from 1 to 65535")
		}
	}
	if w.Scheduler == "" {
		w.Scheduler = spec.RoundRobin
	}
	if w.TimeoutSeconds == 0 {
		w.TimeoutSeconds = DefaultTimeout
	}
	if w.TimeoutSeconds < minTimeout || w.TimeoutSeconds > maxTimeout {
		return fault.BadField("timeout", "must be from %d to %d seconds", minTimeout, maxTimeout)
	}
	return w.Check.complete(w.Protocol)
}

func (c *Check) complete(protocol string) error {
	if c.Protocol == "" {
		c.Protocol = protocol
	}
	if c.Protocol != protocol && (c.Protocol != "icmp" || protocol != "udp") {
		return fault.BadField("check.protocol", "must be tcp for a TCP listener, and udp or icmp for a UDP listener")
	}
	for _, f := range []struct {
		name     string
		value    *int
		standard int
		most     int
	}{{"check.interval", &c.IntervalSeconds, DefaultInterval, maxSeconds}, {"check.timeout", &c.TimeoutSeconds, DefaultAnswer, maxSeconds}, {"check.unhealthy", &c.Unhealthy, DefaultUnhealthy, maxThreshold},
		{"check.healthy", &c.Healthy, 0, maxThreshold}} {
		if *f.value == 0 {
			*f.value = f.standard
		}
		if *f.value < 0 || *f.value > f.most {
			return fault.BadField(f.name, "must be from 1 to %d, or 0 for the default", f.most)
		}
	}
	if c.Protocol != "udp" {
		c.Send = ""
	}
	if len(c.Send) > maxSend {
		return fault.BadField("check.send", "must have at most %d bytes", maxSend)
	}
	return nil
}

// CreateListeners adds listeners to an ordinary balancer: all or none.
func (n *Balancers) CreateListeners(ctx context.Context, caller *identity.Caller, id string, wanted []NewListener) error {
	if len(wanted) == 0 {
		return fault.BadField("listeners", "must name at least one")
	}
	for k := range wanted {
		if err := wanted[k].complete(); err != nil {
			return err
		}
	}
	return n.change(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		if err := b.mustBeOrdinary(); err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.BalancerListeners, Scope: b.UID, Delta: int64(len(wanted))}); err != nil {
			return err
		}
		for _, w := range wanted {
			if err := addListener(ctx, tx, b, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *Balancer) mustBeOrdinary() error {
	if b.Type != Ordinary {
		return fault.Conflicting("balancer", b.Slug, "The load balancer is an application load balancer, whose listeners and servers are changed by the calls of those.")
	}
	return nil
}

func addListener(ctx context.Context, tx *store.Tx, b *Balancer, w NewListener) error {
	l := &Listener{UID: tx.NewUID(), Balancer: b.UID, Created: tx.Time()}
	w.fill(l)
	_, err := tx.NewInsert().Model(l).Exec(ctx)
	if _, dup := store.IsUnique(err); dup {
		return fault.New(fault.Exists, "The load balancer has a listener of %s port %d already.", w.Protocol, w.Port).About("listener", fmt.Sprint(w.Port)).On("port")
	}
	if err != nil {
		return fmt.Errorf("add listener: %w", err)
	}
	return nil
}

func (w NewListener) fill(l *Listener) {
	l.Transport, l.Protocol, l.Port, l.Scheduler, l.TimeoutSeconds, l.BackendPort, l.Check.V = w.Protocol, w.Protocol, w.Port, w.Scheduler, w.TimeoutSeconds, w.BackendPort, w.Check
}

// Address names a listener of a balancer: they have no other id.
type Address struct {
	Protocol string
	Port     int
}

func (a Address) String() string { return fmt.Sprintf("%s:%d", a.Protocol, a.Port) }

func findListener(ctx context.Context, tx *store.Tx, b *Balancer, a Address) (*Listener, error) {
	l := new(Listener)
	err := tx.NewSelect().Model(l).Where("balancer = ? AND protocol = ? AND port = ?", b.UID, a.Protocol, a.Port).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("listener", a.String())
	}
	return l, err
}

// UpdateListener gives a listener, named by its protocol and port, new values.
func (n *Balancers) UpdateListener(ctx context.Context, caller *identity.Caller, id string, w NewListener) error {
	if err := w.complete(); err != nil {
		return err
	}
	return n.change(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		if err := b.mustBeOrdinary(); err != nil {
			return err
		}
		l, err := findListener(ctx, tx, b, Address{w.Protocol, w.Port})
		if err != nil {
			return err
		}
		w.fill(l)
		_, err = tx.NewUpdate().Model(l).Column("scheduler", "timeout_seconds", "backend_port", "health_check").WherePK().Exec(ctx)
		return err
	})
}

// DeleteListeners takes listeners away: all or none.
func (n *Balancers) DeleteListeners(ctx context.Context, caller *identity.Caller, id string, addresses []Address) error {
	if len(addresses) == 0 {
		return fault.BadField("listeners", "must name at least one")
	}
	return n.change(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		gone := map[Address]bool{}
		for _, a := range addresses {
			if gone[a] {
				continue
			}
			gone[a] = true
			l, err := findListener(ctx, tx, b, a)
			if err != nil {
				return err
			}
			if _, err := tx.NewDelete().Model((*Policy)(nil)).Where("listener = ?", l.UID).Exec(ctx); err != nil {
				return err
			}
			if _, err := tx.NewDelete().Model(l).WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		return quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.BalancerListeners, Scope: b.UID, Delta: -int64(len(gone))})
	})
}

// GetListener gives one listener.
func (n *Balancers) GetListener(ctx context.Context, caller *identity.Caller, id string, a Address) (l *Listener, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, err := find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		l, err = findListener(ctx, tx, b, a)
		return err
	})
	return l, err
}

// ListListeners gives a page of a balancer's listeners with the total, by port.
func (n *Balancers) ListListeners(ctx context.Context, caller *identity.Caller, id string, page store.Page) (found []*Listener, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, err := find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		found, total, err = store.List[*Listener](ctx, tx.NewSelect().Model((*Listener)(nil)).Where("balancer = ?", b.UID).Order("port", "uid"), page)
		return err
	})
	return found, total, err
}

func listenersOf(ctx context.Context, tx *store.Tx, balancers ...string) (found []*Listener, err error) {
	err = tx.NewSelect().Model(&found).Where("balancer IN (?)", bun.In(balancers)).Order("balancer", "port", "uid").Scan(ctx)
	return found, err
}
