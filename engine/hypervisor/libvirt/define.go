package libvirt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
	"libvirt.org/go/libvirtxml"

	"edgecloud/engine/hypervisor"
)

// Define implements hypervisor.Hypervisor.
func (e *Engine) Define(ctx context.Context, m hypervisor.Machine) error {
	if err := hypervisor.Check(m); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	defer e.lock(m.UID)()
	seed, err := e.writeSeed(m)
	if err != nil {
		return fmt.Errorf("libvirt: seed of %s: %w", m.UID, err)
	}
	want := e.domain(m, seed)
	found, err := e.define(ctx, want)
	if err != nil {
		return fmt.Errorf("libvirt: define %s: %w", m.UID, err)
	}
	if found.active {
		return e.plug(ctx, found.Domain, want)
	}
	return e.sweepSeeds(m.UID, seed)
}

// defined is a domain that libvirt knows.
type defined struct {
	golibvirt.Domain
	mark
	active bool
}

// define makes libvirt know the domain, if it does not know it just so.
func (e *Engine) define(ctx context.Context, want libvirtxml.Domain) (defined, error) {
	fresh, err := fingerprints(want)
	if err != nil {
		return defined{}, err
	}
	return query(ctx, e, func(l *golibvirt.Libvirt) (defined, error) {
		have, err := known(l, want.UUID)
		if err != nil || have.mark == fresh {
			return have, err
		}
		named := want
		if have.Name != "" {
			named.Name = have.Name // a machine keeps its first name: libvirt cannot rename what runs
		}
		named.Metadata = &libvirtxml.DomainMetadata{XML: fresh.element()}
		text, err := named.Marshal()
		if err != nil {
			return have, err
		}
		d, err := l.DomainDefineXMLFlags(text, 0)
		return defined{d, fresh, have.active}, err
	})
}

// known looks a domain up: empty if it is absent, an error if it is not ours.
func known(l *golibvirt.Libvirt, uid string) (defined, error) {
	d, err := l.DomainLookupByUUID(golibvirt.UUID(uuid.MustParse(uid)))
	if isCode(err, golibvirt.ErrNoDomain) {
		return defined{}, nil
	}
	if err != nil {
		return defined{}, err
	}
	have, err := readMark(l, d, golibvirt.DomainAffectConfig)
	if err != nil {
		return defined{}, fmt.Errorf("a domain that is not ours has its UUID: %w", err)
	}
	active, err := l.DomainIsActive(d)
	return defined{d, have, active == 1}, err
}

// writeSeed keeps a seed under a name made from its content, so that a machine that runs keeps the one it booted with.
func (e *Engine) writeSeed(m hypervisor.Machine) (string, error) {
	if len(m.Seed) == 0 {
		return "", nil
	}
	sum := sha256.Sum256(m.Seed)
	path := filepath.Join(e.seeds(), m.UID+"."+hex.EncodeToString(sum[:8])+".iso")
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(m.Seed)) {
		return path, nil
	}
	part, err := os.CreateTemp(e.seeds(), m.UID+".*.part") // 0600: seeds hold password hashes
	if err != nil {
		return "", err
	}
	_, err = part.Write(m.Seed)
	err = errors.Join(err, part.Sync(), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(part.Name()))
	}
	return path, nil
}

// sweepSeeds removes the seeds of a machine that is off, but the one it starts with.
func (e *Engine) sweepSeeds(uid, keep string) error {
	paths, err := filepath.Glob(filepath.Join(e.seeds(), uid+".*"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if path == keep {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Remove implements hypervisor.Hypervisor. Files go last and also when the domain is gone, so that a repeated call finishes a half-finished one.
func (e *Engine) Remove(ctx context.Context, uid string) error {
	if _, err := uuid.Parse(uid); err != nil {
		return nil
	}
	defer e.lock(uid)()
	d, err := e.lookup(ctx, uid)
	if err != nil && !errors.Is(err, hypervisor.ErrAbsent) {
		return err
	}
	if err == nil {
		if err := e.undefine(ctx, d); err != nil {
			return fmt.Errorf("libvirt: remove %s: %w", uid, err)
		}
	}
	if err := e.sweepSeeds(uid, ""); err != nil {
		return err
	}
	logs, err := filepath.Glob(e.SerialLog(uid) + "*") // virtlogd rotates them
	if err != nil {
		return err
	}
	for _, log := range logs {
		if err := os.Remove(log); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (e *Engine) undefine(ctx context.Context, d golibvirt.Domain) error {
	return e.call(ctx, func(l *golibvirt.Libvirt) error {
		err := l.DomainDestroy(d)
		if err != nil && !isCode(err, golibvirt.ErrOperationInvalid, golibvirt.ErrNoDomain) {
			return err
		}
		err = l.DomainUndefineFlags(d, golibvirt.DomainUndefineManagedSave|golibvirt.DomainUndefineSnapshotsMetadata|golibvirt.DomainUndefineNvram|golibvirt.DomainUndefineCheckpointsMetadata)
		if isCode(err, golibvirt.ErrNoDomain) {
			return nil
		}
		return err
	})
}
