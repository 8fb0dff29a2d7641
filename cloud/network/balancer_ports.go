package network

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// BalancerKind is the kind of load balancers in work rows: they wait for what their site says of their ports and addresses.
const BalancerKind = "balancer"

// AddBalancerPort gives a load balancer its private address. Its spec is written by PutBalancerPort.
func (r *Resolved) AddBalancerPort(ctx context.Context, tx *store.Tx, caller *identity.Caller, balancer string) (*Port, error) {
	free, err := r.choose(ctx, tx, 1)
	if err != nil {
		return nil, err
	}
	uid := tx.NewUID()
	p := &Port{UID: uid, Slug: tx.NewSlug(), Account: caller.Account, Network: r.Network.UID, Subnet: free[0].subnet, Site: r.Subnet.Site, Kind: Balanced, Of: balancer, MAC: macOf(uid),
		Address: free[0].address.String(), Phase: spec.Pending, Created: tx.Time()}
	if _, err := tx.NewInsert().Model(p).Exec(ctx); err != nil {
		return nil, fmt.Errorf("add a balancer's port: %w", err)
	}
	return p, nil
}

// AddBalancerIPs gives a load balancer's port a public address on each of the site's lines that is wanted (empty: all). They go with the balancer.
func AddBalancerIPs(ctx context.Context, tx *store.Tx, caller *identity.Caller, p *Port, carriers []place.Carrier, mbps int64) ([]*PublicIP, error) {
	lines, err := linesOf(ctx, tx, p.Site, carriers)
	if err != nil {
		return nil, err
	}
	router, err := ensureRouterAddress(ctx, tx, p.Network, lines[0])
	if err != nil {
		return nil, err
	}
	return lease(ctx, tx, caller, lines, &PublicIP{Site: p.Site, Uplink: router.Line, Mbps: mbps, Balancer: p.Of}, []*Port{p})
}

// BalancerPort gives a load balancer's port and public addresses.
func BalancerPort(ctx context.Context, tx *store.Tx, port, balancer string) (*Port, []*PublicIP, error) {
	p := new(Port)
	if err := tx.NewSelect().Model(p).Where("uid = ?", port).Scan(ctx); err != nil {
		return nil, nil, err
	}
	ips, err := BalancerIPs(ctx, tx, balancer)
	return p, ips, err
}

// BalancerIPs gives the public addresses of load balancers.
func BalancerIPs(ctx context.Context, tx *store.Tx, balancers ...string) (ips []*PublicIP, err error) {
	if len(balancers) == 0 {
		return nil, nil
	}
	err = tx.NewSelect().Model(&ips).Where("balancer <> '' AND balancer IN (?)", bun.In(balancers)).Order("balancer", "uid").Scan(ctx)
	return ips, err
}

// PutBalancerPort writes the specs of a load balancer's port and public addresses.
func PutBalancerPort(ctx context.Context, tx *store.Tx, p *Port, ips []*PublicIP) error {
	ports := []*Port{p}
	specs, err := Specs(ctx, tx, ports, ips)
	if err != nil {
		return err
	}
	generations, err := link.PutMany(ctx, tx, specs)
	if err != nil {
		return err
	}
	return Noted(ctx, tx, ports, ips, generations)
}

// BalancerNIC tells a load balancer of its place in its network.
func BalancerNIC(ctx context.Context, tx *store.Tx, p *Port) (spec.NIC, error) {
	s := new(Subnet)
	if err := tx.NewSelect().Model(s).Where("uid = ?", p.Subnet).Scan(ctx); err != nil {
		return spec.NIC{}, err
	}
	return p.NIC(s), nil
}
