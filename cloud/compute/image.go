package compute

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/store"
)

// CaptureImage makes a custom image of an instance's system disk. The instance must be off, and stays so until the image is done (BEC user guide, source
// 1857-1871); a running one is refused, as its disk could be caught in the middle of a write. It answers at once with the image and the operation to follow.
func (c *Compute) CaptureImage(ctx context.Context, caller *identity.Caller, instance, name, description string) (img *image.Image, op string, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, "", err
	}
	if err := c.images.CheckCapture(name); err != nil {
		return nil, "", err
	}
	err = c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := Find(ctx, tx, caller, instance)
		if err != nil {
			return err
		}
		if err := guard(i, "made an image of; it must be stopped", Stopped); err != nil {
			return err
		}
		w, err := captureOf(ctx, tx, i)
		if err != nil {
			return err
		}
		w.Name, w.Description = name, description
		if err := enter(ctx, tx, i, Imaging, "image"); err != nil {
			return err
		}
		if img, op, err = c.images.Capture(ctx, tx, caller, w); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, image.Kind, img.UID)
	})
	return img, op, err
}

// RetryImage begins the making of an image that failed anew; op is the operation that failed. An instance that it is made of must be off again.
func (c *Compute) RetryImage(ctx context.Context, caller *identity.Caller, op string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := c.images.Retry(ctx, tx, caller, op)
		if err != nil {
			return err
		}
		if r.Instance != "" {
			i, err := Find(ctx, tx, caller, r.Instance)
			if err != nil {
				return err
			}
			if err := guard(i, "made an image of; it must be stopped", Stopped); err != nil {
				return err
			}
			if err := enter(ctx, tx, i, Imaging, "image"); err != nil {
				return err
			}
		}
		return audit.Note(ctx, tx, caller, image.Kind, r.Image)
	})
}

func captureOf(ctx context.Context, tx *store.Tx, i *Instance) (image.Capture, error) {
	disks, err := volume.Of(ctx, tx, i.UID)
	if err != nil {
		return image.Capture{}, err
	}
	known, err := image.ByUID(ctx, tx, []string{i.Image})
	if err != nil {
		return image.Capture{}, err
	}
	return image.Capture{Of: known[i.Image], Site: i.Site, Host: i.Host, Volume: disks[0].UID, GiB: disks[0].GiB, Source: i.UID}, nil
}

// ImageUser is an instance that was made from an image.
type ImageUser struct {
	Image  string `bun:"image"`
	UID    string `bun:"uid"`
	Handle string `bun:"handle"`
	Name   string `bun:"name"`
}

// ImageUsers gives the caller's instances that were made from images, by image: one statement.
func (c *Compute) ImageUsers(ctx context.Context, caller *identity.Caller, images []string) (map[string][]ImageUser, error) {
	found := map[string][]ImageUser{}
	if len(images) == 0 {
		return found, nil
	}
	var all []ImageUser
	err := c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().TableExpr("instances").Column("image", "uid", "handle", "name").Where("account = ? AND image IN (?)", caller.Account, bun.In(images)).
			Order("uid").Scan(ctx, &all)
	})
	for _, u := range all {
		found[u.Image] = append(found[u.Image], u)
	}
	return found, err
}

// DeleteImages takes the caller's own images away, all or none. One that instances were made from stays unless force is set; the instances keep their disks.
func (c *Compute) DeleteImages(ctx context.Context, caller *identity.Caller, ids []string, force bool) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	if len(ids) == 0 {
		return fault.BadField("imageIdList", "must name an image")
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, id := range ids {
			own, err := image.Own(ctx, tx, caller, id)
			if err != nil {
				return err
			}
			used, err := tx.NewSelect().Model((*Instance)(nil)).Where("account = ? AND image = ?", own.Account, own.UID).Exists(ctx)
			if err != nil {
				return err
			}
			if used && !force {
				return fault.Conflicting(image.Kind, id, "Instances were made from the image %s; it is deleted only with force.", own.Name)
			}
			if err := image.Delete(ctx, tx, own); err != nil {
				return err
			}
		}
		return audit.Note(ctx, tx, caller, image.Kind, ids[0])
	})
}
