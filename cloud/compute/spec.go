package compute

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/cloud/volume"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// parts is an instance with all that hangs on it.
type parts struct {
	*Instance
	volumes []*volume.Volume
	losing  []*volume.Volume // those that the guest is to let go of
	ports   []*network.Port
	leaving []*network.Port // those that the guest is to lose
	ips     []*network.PublicIP
}

func loadParts(ctx context.Context, tx *store.Tx, i *Instance) (p *parts, err error) {
	p = &parts{Instance: i}
	disks, err := volume.Of(ctx, tx, i.UID)
	if err != nil {
		return nil, err
	}
	for _, v := range disks {
		if v.Hold == volume.Detaching {
			p.losing = append(p.losing, v)
			continue
		}
		p.volumes = append(p.volumes, v)
	}
	all, err := network.PortsOf(ctx, tx, i.UID)
	if err != nil {
		return nil, err
	}
	for _, port := range all {
		if slices.Contains(i.Leaving.V, port.UID) {
			p.leaving = append(p.leaving, port)
			continue
		}
		p.ports = append(p.ports, port)
	}
	p.ips, err = network.PublicIPsOf(ctx, tx, i.UID)
	return p, err
}

// put writes all specs of an instance in few statements, and keeps the generations that hosts and site are to reach.
func (p *parts) put(ctx context.Context, tx *store.Tx) error {
	site, err := network.Specs(ctx, tx, p.ports, p.ips)
	if err != nil {
		return err
	}
	disks := volume.Specs(p.volumes)
	body, err := p.spec(ctx, tx)
	if err != nil {
		return err
	}
	all := append(site, disks...)
	all = append(all, link.Spec{Target: spec.HostTarget(p.Host), Kind: spec.KindInstance, UID: p.UID, Body: body})
	cached, err := p.imageSpec(ctx, tx)
	if err != nil {
		return err
	}
	all = append(all, cached...)
	generations, err := link.PutMany(ctx, tx, all)
	if err != nil {
		return err
	}
	if err := network.Noted(ctx, tx, p.ports, p.ips, generations[:len(site)]); err != nil {
		return err
	}
	if err := volume.Noted(ctx, tx, p.volumes, generations[len(site):len(site)+len(disks)]); err != nil {
		return err
	}
	p.Wanted, p.Dirty = generations[len(site)+len(disks)], false
	_, err = tx.NewUpdate().Model(p.Instance).Column("wanted", "dirty").WherePK().Exec(ctx)
	return err
}

// imageSpec brings the image's file to the host unless it is there.
func (p *parts) imageSpec(ctx context.Context, tx *store.Tx) ([]link.Spec, error) {
	there, err := link.Get(ctx, tx, spec.HostTarget(p.Host), spec.KindImage, p.ImageFile, new(spec.Image))
	if err != nil || there > 0 {
		return nil, err
	}
	f := new(image.File)
	if err := tx.NewSelect().Model(f).Where("uid = ?", p.ImageFile).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read image file %s: %w", p.ImageFile, err)
	}
	return []link.Spec{{Target: spec.HostTarget(p.Host), Kind: spec.KindImage, UID: f.UID, Body: image.FileSpec(f)}}, nil
}

func (p *parts) spec(ctx context.Context, tx *store.Tx) (spec.Instance, error) {
	s := spec.Instance{UID: p.UID, Name: p.Handle, VCPUs: int(p.VCPUs), MemoryMiB: p.MemoryMiB, Power: p.Power, ForceOff: p.ForceOff, Restart: p.Restart, HardReset: p.HardReset}
	for _, v := range p.volumes {
		s.Volumes = append(s.Volumes, v.UID)
	}
	nics, err := p.nics(ctx, tx)
	if err != nil {
		return s, err
	}
	s.NICs = nics
	s.Guest, err = p.guest(ctx, tx)
	return s, err
}

func (p *parts) nics(ctx context.Context, tx *store.Tx) ([]spec.NIC, error) {
	uids := make([]string, len(p.ports))
	for k, port := range p.ports {
		uids[k] = port.Subnet
	}
	if len(uids) == 0 {
		return nil, nil
	}
	var subnets []*network.Subnet
	if err := tx.NewSelect().Model(&subnets).Where("uid IN (?)", bun.In(uids)).Scan(ctx); err != nil {
		return nil, err
	}
	byUID := map[string]*network.Subnet{}
	for _, s := range subnets {
		byUID[s.UID] = s
	}
	nics := make([]spec.NIC, len(p.ports))
	for k, port := range p.ports {
		nics[k] = port.NIC(byUID[port.Subnet])
	}
	return nics, nil
}

func (p *parts) guest(ctx context.Context, tx *store.Tx) (spec.Guest, error) {
	g := spec.Guest{Hostname: p.Hostname, User: p.LoginUser, PasswordHash: p.PasswordHash, Password: p.Password, Epoch: p.Epoch}
	data, err := base64.StdEncoding.DecodeString(p.UserData)
	if err != nil {
		return g, fmt.Errorf("read user data of %s: %w", p.UID, err)
	}
	g.UserData = data
	if len(p.Keys.V) == 0 {
		return g, nil
	}
	var pairs []*KeyPair
	if err := tx.NewSelect().Model(&pairs).Where("uid IN (?)", bun.In(p.Keys.V)).Order("uid").Scan(ctx); err != nil {
		return g, err
	}
	for _, k := range pairs {
		g.SSHKeys = append(g.SSHKeys, k.PublicKey)
	}
	return g, nil
}
