package volume

import (
	"context"
	"strings"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// A volume that stands alone is a promise until it is first attached: it has no host and takes no room. From then on its data is on that instance's host.

// NewLoose is what a caller says of volumes that are to stand alone.
type NewLoose struct {
	Site        *place.Site
	Count       int
	Name        string
	Description string
	Storage     string
	GiB         int64
	From        string // UID or slug of a snapshot's part in a disk, whose content and size they have; empty is blank
	Tags        []Tag
}

// maxLoose is how many volumes one request may ask for at a site; no document has a number.
const maxLoose = 100

func (w NewLoose) check() error {
	if err := checkName(w.Name); err != nil {
		return err
	}
	if len([]rune(w.Description)) > 255 {
		return fault.BadField("description", "must have at most 255 characters")
	}
	if w.Count < 1 || w.Count > maxLoose {
		return fault.BadField("deployInstances.purchaseCount", "must be from 1 to %d, not %d", maxLoose, w.Count)
	}
	if w.From != "" {
		return nil
	}
	return CheckCloudGiB("cdsSizeInGB", w.GiB)
}

func checkName(name string) error {
	if length := len([]rune(name)); length < 1 || length > 65 || strings.TrimSpace(name) == "" {
		return fault.BadField("name", "must have 1 to 65 characters")
	}
	return nil
}

// CheckCloudGiB holds the size of a volume that stands alone to its bounds.
func CheckCloudGiB(field string, gib int64) error {
	if gib < MinCloudGiB || gib > MaxCloudGiB {
		return fault.BadField(field, "must be from %d to %d GB, not %d", MinCloudGiB, MaxCloudGiB, gib)
	}
	return nil
}

// CreateLoose makes volumes that stand alone: all or none.
func CreateLoose(ctx context.Context, db *store.DB, caller *identity.Caller, all []NewLoose) (made []*Volume, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fault.BadField("deployInstances", "must have at least one entry")
	}
	for _, w := range all {
		if err := w.check(); err != nil {
			return nil, err
		}
	}
	err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		made = nil
		from, err := origins(ctx, tx, caller, all)
		if err != nil {
			return err
		}
		var gib int64
		for _, w := range all {
			for range w.Count {
				v := &Volume{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: caller.Account, Site: w.Site.UID, Name: w.Name, Description: w.Description, Tags: Tags{V: w.Tags},
					Role: Cloud, Storage: w.Storage, GiB: w.GiB, Hold: Loose, Phase: spec.Applied, Created: tx.Time()}
				if o := from[w.From]; o != nil {
					o.give(v)
				}
				made, gib = append(made, v), gib+v.GiB
			}
		}
		if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.Volumes, Delta: int64(len(made))}, quota.Change{Name: quota.VolumeGiB, Delta: gib}); err != nil {
			return err
		}
		if err := Add(ctx, tx, made); err != nil {
			return err
		}
		if err := begin(ctx, tx, made); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "volume", made[0].UID)
	})
	return made, err
}

// Rename gives one of the caller's volumes another name.
func Rename(ctx context.Context, db *store.DB, caller *identity.Caller, id, name string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		v, err := Find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		v.Name = name
		if _, err := tx.NewUpdate().Model(v).Column("name").WherePK().Exec(ctx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "volume", v.UID)
	})
}

// Delete takes a volume away that is on no instance, with its data. Its room is free again once its host has confirmed.
func Delete(ctx context.Context, db *store.DB, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		v, err := Find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if v.Hold != Loose {
			return fault.Conflicting("volume", id, "The volume is on an instance; detach it first.")
		}
		if v.RollbackTo != "" {
			return fault.Conflicting("volume", id, "The volume is being rolled back to a snapshot; it can be deleted afterwards.")
		}
		if err := uncopied(ctx, tx, v); err != nil {
			return err
		}
		if err := audit.Note(ctx, tx, caller, "volume", v.UID); err != nil {
			return err
		}
		if v.Wanted == 0 { // no host was ever told of it
			return forget(ctx, tx, v)
		}
		v.Doomed = true
		if _, err := tx.NewUpdate().Model(v).Column("doomed").WherePK().Exec(ctx); err != nil {
			return err
		}
		return Release(ctx, tx, []*Volume{v})
	})
}

// forget drops a volume whose data is gone, and gives back its room.
func forget(ctx context.Context, tx *store.Tx, v *Volume) error {
	if v.Host == "" {
		return Drop(ctx, tx, v.Account, []*Volume{v})
	}
	if err := place.Change(ctx, tx, v.Host, place.Demand{DiskGiB: v.GiB}, place.Demand{}); err != nil {
		return err
	}
	return Drop(ctx, tx, v.Account, []*Volume{v})
}

// Claim puts a volume that stands alone on an instance, at a position among its disks. Its data stays where it is: it is made on the instance's host, if it was on
// none yet, and taken is then the room that it takes there.
func (v *Volume) Claim(ctx context.Context, tx *store.Tx, site, host, instance string, position int) (taken int64, err error) {
	if v.Hold != Loose {
		return 0, fault.Conflicting("volume", v.Slug, "The volume is on an instance already; detach it first.")
	}
	if v.Site != site {
		return 0, fault.Conflicting("volume", v.Slug, "The volume is at another node than the instance.")
	}
	if v.Host != "" && v.Host != host {
		return 0, fault.Conflicting("volume", v.Slug, "The data of the volume is on another machine of the node than the instance, and cannot be moved there yet.")
	}
	if v.Phase == spec.Failed || v.Host != "" && v.Phase != spec.Applied || v.RollbackTo != "" {
		return 0, fault.Conflicting("volume", v.Slug, "The volume is not ready: it is being made of a snapshot, rolled back to one, or broken.")
	}
	if v.Host == "" {
		taken, v.Phase = v.GiB, spec.Pending
	}
	v.Host, v.Instance, v.Position, v.Hold = host, instance, position, Attaching
	_, err = tx.NewUpdate().Model(v).Column("host", "instance", "position", "hold", "phase").WherePK().Exec(ctx)
	return taken, err
}

// SetHold says how far the coming or going of volumes is; those that go with their instance are left out.
func SetHold(ctx context.Context, tx *store.Tx, volumes []*Volume, hold Hold) error {
	for _, v := range volumes {
		if v.Hold == hold || v.Hold == "" && hold != Detaching {
			continue
		}
		v.Hold = hold
		if hold == Loose {
			v.Instance, v.Position = "", 0
		}
		if _, err := tx.NewUpdate().Model(v).Column("hold", "instance", "position").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Grow makes a volume larger. The room on its host and in its instance is the caller's to take.
func (v *Volume) Grow(ctx context.Context, tx *store.Tx, gib int64) error {
	if err := quota.Count(ctx, tx, v.Account, quota.Change{Name: quota.VolumeGiB, Delta: gib - v.GiB}); err != nil {
		return err
	}
	v.GiB = gib
	if v.Wanted > 0 {
		return v.put(ctx, tx)
	}
	_, err := tx.NewUpdate().Model(v).Column("gib").WherePK().Exec(ctx)
	return err
}

// Stay says whether cloud disks outlive the instance that they are on, which is about to go.
func Stay(ctx context.Context, tx *store.Tx, volumes []*Volume, stay bool) error {
	for _, v := range volumes {
		if v.Role != Cloud || stay == (v.Hold != "") {
			continue
		}
		v.Hold = Attached
		if !stay {
			v.Hold = ""
		}
		if _, err := tx.NewUpdate().Model(v).Column("hold").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
