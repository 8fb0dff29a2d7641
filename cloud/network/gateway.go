package network

import (
	"context"
	"fmt"

	"edgecloud/link/spec"
	"edgecloud/store"
)

// addGatewayPort takes a subnet's gateway address, so that no other port gets it and lists show it.
func addGatewayPort(ctx context.Context, tx *store.Tx, s *Subnet) (*Port, error) {
	uid := tx.NewUID()
	p := &Port{UID: uid, Slug: tx.NewSlug(), Account: s.Account, Network: s.Network, Subnet: s.UID, Site: s.Site, Kind: Gateway, MAC: macOf(uid), Address: s.Gateway,
		Phase: spec.Pending, Created: tx.Time()}
	if _, err := tx.NewInsert().Model(p).Exec(ctx); err != nil {
		return nil, fmt.Errorf("add gateway port: %w", err)
	}
	return p, nil
}

func gatewayPort(ctx context.Context, tx *store.Tx, subnet string) (*Port, error) {
	p := new(Port)
	err := tx.NewSelect().Model(p).Where("subnet = ? AND kind = ?", subnet, Gateway).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the gateway port of subnet %s: %w", subnet, err)
	}
	return p, nil
}
