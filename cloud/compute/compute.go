package compute

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/store"
)

// Compute gives access to instances, groups and key pairs.
type Compute struct {
	db       *store.DB
	place    *place.Place
	images   *image.Images
	networks *network.Networks
}

// New makes a Compute on a database and the floors below.
func New(db *store.DB, p *place.Place, i *image.Images, n *network.Networks) *Compute {
	return &Compute{db: db, place: p, images: i, networks: n}
}

// Find finds the caller's instance by UID, slug or handle inside a transaction.
func Find(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Instance, error) {
	i := new(Instance)
	q := tx.NewSelect().Model(i).Where("uid = ? OR slug = ? OR handle = ?", id, id, id)
	if !caller.SeesAll() {
		q = q.Where("account = ?", caller.Account)
	}
	err := q.Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("instance", id)
	}
	return i, err
}

// FindGroup finds the caller's group by UID or slug inside a transaction.
func FindGroup(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Group, error) {
	g := new(Group)
	err := tx.NewSelect().Model(g).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("group", id)
	}
	return g, err
}
