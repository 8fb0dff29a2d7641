package image

import (
	"context"
	"time"

	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// FileKind is the kind of image files in work rows.
const FileKind = "image_file"

// unused are files that no image shows and no volume starts from.
const unused = "NOT EXISTS (SELECT 1 FROM images AS i WHERE i.file = file.uid) AND NOT EXISTS (SELECT 1 FROM volumes AS v WHERE v.file = file.uid)"

// goneDeadline is when the operator hears of a host that keeps an image which nobody needs.
const goneDeadline = 24 * time.Hour

// reclaimer takes files away that nobody needs: first the hosts' copies, then the centre's.
type reclaimer struct{ images *Images }

// Reclaimer looks after files that nobody needs.
func (i *Images) Reclaimer() work.Reconciler { return reclaimer{i} }

// Kind implements work.Reconciler.
func (r reclaimer) Kind() string { return FileKind }

// Step implements work.Reconciler.
func (r reclaimer) Step(ctx context.Context, tx *store.Tx, uid string) (work.Next, error) {
	file := new(File)
	err := tx.NewSelect().Model(file).Where("uid = ?", uid).Where(unused).Scan(ctx)
	if store.NotFound(err) {
		return work.Done(), nil
	}
	if err != nil {
		return work.Next{}, err
	}
	targets, err := link.ImageTargets(ctx, tx, uid)
	if err != nil {
		return work.Next{}, err
	}
	for _, target := range targets {
		if err := link.Delete(ctx, tx, target, spec.KindImage, uid); err != nil {
			return work.Next{}, err
		}
	}
	if len(targets) > 0 {
		return work.Wait("report", goneDeadline), nil
	}
	if _, err := tx.NewDelete().Model(file).WherePK().Exec(ctx); err != nil {
		return work.Next{}, err
	}
	if r.images.files != nil {
		tx.AfterCommit(func() { _ = r.images.files.Remove(file.SHA256) }) // swept at a later start otherwise
	}
	return work.Done(), nil
}

// sweepFiles lines up the files that nobody needs any more.
func sweepFiles(ctx context.Context, tx *store.Tx) error {
	uids, err := Unneeded(ctx, tx, "", 1000)
	if err != nil {
		return err
	}
	for _, uid := range uids {
		if err := work.Wake(ctx, tx, FileKind, uid); err != nil {
			return err
		}
	}
	return nil
}

// Unneeded lists files that nobody needs, for the slow scan: the last volume of an image that left the catalogue may have gone.
func Unneeded(ctx context.Context, tx *store.Tx, after string, limit int) (uids []string, err error) {
	err = tx.NewSelect().Model((*File)(nil)).Column("uid").Where("uid > ?", after).Where(unused).Order("uid").Limit(limit).Scan(ctx, &uids)
	return uids, err
}

// Hold makes sure, inside the change that makes volumes of an image, that the image is still there with the file.
func Hold(ctx context.Context, tx *store.Tx, image, file string) error {
	there, err := tx.NewSelect().Model((*Image)(nil)).Where("uid = ? AND file = ? AND status = ?", image, file, Active).Exists(ctx)
	if err == nil && !there {
		return fault.Missing(Kind, image)
	}
	return err
}
