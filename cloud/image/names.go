package image

import (
	"context"
	"fmt"
	"slices"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// SetNames says under which further public names an image's file is offered: missing ones are added, those of the file that are not listed go. Tenants see each name
// as an image of its own. For operators.
func (i *Images) SetNames(ctx context.Context, caller *identity.Caller, id string, names []string) (*Image, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	var image *Image
	err := i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if image, err = public(ctx, tx, id); err != nil {
			return err
		}
		if err := image.checkNames(ctx, tx, names); err != nil {
			return err
		}
		var have []*Image
		if err := tx.NewSelect().Model(&have).Where("account = '' AND file = ? AND uid <> ?", image.File, image.UID).Scan(ctx); err != nil {
			return err
		}
		if err := image.rename(ctx, tx, have, names); err != nil {
			return err
		}
		tx.AfterCommit(i.forget)
		return audit.Note(ctx, tx, caller, Kind, image.UID)
	})
	return image, err
}

// public finds a public image by UID, slug or name.
func public(ctx context.Context, tx *store.Tx, id string) (*Image, error) {
	image := new(Image)
	err := tx.NewSelect().Model(image).Where("account = '' AND (uid = ? OR slug = ? OR name = ?)", id, id, id).Limit(1).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("image", id)
	}
	return image, err
}

func (i *Image) checkNames(ctx context.Context, tx *store.Tx, names []string) error {
	if i.File == "" {
		return fault.Conflicting("image", i.UID, "The image %q has no file yet.", i.Name)
	}
	for k, n := range names {
		if n == "" || n == i.Name || slices.Contains(names[:k], n) {
			return fault.BadField("names", "must be different from each other and from the image's own, and not empty")
		}
	}
	if len(names) == 0 {
		return nil
	}
	other := new(Image)
	err := tx.NewSelect().Model(other).Where("account = '' AND name IN (?)", in(names)).Where("file IS NULL OR file <> ?", i.File).Limit(1).Scan(ctx)
	if store.NotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return fault.New(fault.Exists, "Another image has the name %q; delete it first, or import with replace.", other.Name).On("names")
}

// rename makes the images of one file, beside i, have exactly these names.
func (i *Image) rename(ctx context.Context, tx *store.Tx, have []*Image, names []string) error {
	known := map[string]bool{}
	for _, h := range have {
		known[h.Name] = true
		if slices.Contains(names, h.Name) {
			continue
		}
		if _, err := tx.NewDelete().Model(h).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("take the image name %s: %w", h.Name, err)
		}
	}
	for _, n := range names {
		if known[n] {
			continue
		}
		named := *i
		named.UID, named.Slug, named.Name, named.Created = tx.NewUID(), tx.NewSlug(), n, store.At(tx.Now())
		if _, err := tx.NewInsert().Model(&named).Exec(ctx); err != nil {
			return fmt.Errorf("add the image name %s: %w", n, err)
		}
	}
	return nil
}
