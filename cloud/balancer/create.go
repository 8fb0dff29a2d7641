package balancer

import (
	"context"
	"fmt"
	"unicode"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// MaxMbps is the highest limit of a balancer in Mbit/s (BEC API 1.0, load balancers: 1 to 20000).
const MaxMbps = 20_000

// nameSigns may stand in a name beside letters and digits (BEC, product guide, load balancers).
const nameSigns = "-_/.+"

// Wanted is what a caller says of a balancer.
type Wanted struct {
	Type        Type
	Serves      Serves
	Site        *place.Site
	Network     string          // UID or slug; empty: the subnet's, or the account's default one at the site
	Subnet      string          // UID or slug; empty: the network's last, or the default one
	Public      bool            // it is to have public addresses
	Carriers    []place.Carrier // of them; empty: all of the site
	Name        string
	Description string
	Mbps        int64
	Count       int // how many like it
}

func (w Wanted) check() error {
	if w.Serves != Instances {
		return fault.New(fault.NotImplemented, "Load balancers of containers are not available; lbType must be vm.").On("serves")
	}
	if w.Count < 1 {
		return fault.BadField("count", "must be at least 1")
	}
	if err := checkMbps(w.Mbps); err != nil {
		return err
	}
	if len([]rune(w.Description)) > 255 {
		return fault.BadField("description", "must have at most 255 characters")
	}
	return checkName(w.Name)
}

func checkMbps(mbps int64) error {
	if mbps < 1 || mbps > MaxMbps {
		return fault.BadField("mbps", "must be from 1 to %d Mbit/s", MaxMbps)
	}
	return nil
}

func checkName(name string) error {
	if length := len([]rune(name)); length < 1 || length > 64 {
		return fault.BadField("name", "must have 1 to 64 characters")
	}
	for _, r := range name {
		sign := false
		for _, s := range nameSigns {
			sign = sign || s == r
		}
		if !sign && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return fault.BadField("name", "must have letters, digits and %q only, not %q", nameSigns, r)
		}
	}
	return nil
}

// Create makes balancers, all or none.
func (n *Balancers) Create(ctx context.Context, caller *identity.Caller, wanted []Wanted) (made []*Detail, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		return nil, fault.BadField("balancers", "must name at least one")
	}
	for _, w := range wanted {
		if err := w.check(); err != nil {
			return nil, err
		}
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var uids []string
		for _, w := range wanted {
			for range w.Count {
				b, err := add(ctx, tx, caller, w)
				if err != nil {
					return err
				}
				uids = append(uids, b.UID)
			}
		}
		if made, err = details(ctx, tx, caller, uids); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, uids[0])
	})
	return made, err
}

func add(ctx context.Context, tx *store.Tx, caller *identity.Caller, w Wanted) (*Balancer, error) {
	r, err := network.Resolve(ctx, tx, caller, network.Attachment{Site: w.Site, Network: w.Network, Subnet: w.Subnet})
	if err != nil {
		return nil, err
	}
	if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.Balancers, Delta: 1}); err != nil {
		return nil, err
	}
	b := &Balancer{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: caller.Account, Type: w.Type, Serves: w.Serves, Site: w.Site.UID, Network: r.Network.UID, Name: w.Name,
		Description: w.Description, Mbps: w.Mbps, State: Starting, Phase: spec.Pending, Created: tx.Time()}
	p, err := r.AddBalancerPort(ctx, tx, caller, b.UID)
	if err != nil {
		return nil, err
	}
	b.Port, b.Subnet = p.UID, p.Subnet
	if _, err := tx.NewInsert().Model(b).Exec(ctx); err != nil {
		return nil, fmt.Errorf("add balancer: %w", err)
	}
	if w.Type == Ordinary {
		if _, err := tx.NewInsert().Model(&Group{UID: tx.NewUID(), Slug: tx.NewSlug(), Balancer: b.UID, Standard: true, Created: tx.Time()}).Exec(ctx); err != nil {
			return nil, fmt.Errorf("add a balancer's group: %w", err)
		}
	}
	if w.Public {
		if _, err := network.AddBalancerIPs(ctx, tx, caller, p, w.Carriers, w.Mbps); err != nil {
			return nil, err
		}
	}
	return b, put(ctx, tx, b)
}
