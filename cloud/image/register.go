package image

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/operation"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// Register makes another image of the caller's of the file of one of its own. It is usable at once, since the centre has the file, and lives on by itself.
func (i *Images) Register(ctx context.Context, caller *identity.Caller, id string) (image *Image, op string, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, "", err
	}
	err = i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		from, err := Own(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if from.Status != Active {
			return fault.Conflicting(Kind, id, "The image %s is not ready yet.", from.Name)
		}
		if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.Images, Delta: 1}); err != nil {
			return err
		}
		copied := *from
		image = &copied
		image.UID, image.Slug, image.Registered, image.Created = tx.NewUID(), tx.NewSlug(), from.UID, tx.Time()
		if _, err := tx.NewInsert().Model(image).Exec(ctx); err != nil {
			return err
		}
		if op, err = operation.OpenFirst(ctx, tx, caller.Account, "register", Kind, image.UID, string(Active)); err != nil {
			return err
		}
		if err := operation.Succeed(ctx, tx, image.UID); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, image.UID)
	})
	return image, op, err
}

// Retried is a job that begins anew.
type Retried struct {
	Image    string // UID
	Instance string // UID of the one that it is made of; empty for imports
}

// Retry begins a job of the caller's that failed anew, inside the change that keeps its instance still, if it has one. op is the operation that failed.
func (i *Images) Retry(ctx context.Context, tx *store.Tx, caller *identity.Caller, op string) (r Retried, err error) {
	o := new(operation.Operation)
	err = tx.NewSelect().Model(o).Where("uid = ? AND account = ? AND kind = ?", op, caller.Account, Kind).Scan(ctx)
	if store.NotFound(err) {
		return r, fault.Missing("operation", op)
	}
	if err != nil {
		return r, err
	}
	image, err := Own(ctx, tx, caller, o.Target)
	if err != nil {
		return r, err
	}
	j, err := i.job(ctx, tx, image.UID)
	if store.NotFound(err) || err == nil && j.Stage != Stuck {
		return r, fault.Conflicting(Kind, image.Slug, "The image %s has not failed.", image.Name)
	}
	if err != nil {
		return r, err
	}
	r = Retried{Image: image.UID}
	snapshot := ""
	if j.Way == ByCapture {
		r.Instance = image.Source
		of, err := tx.NewSelect().TableExpr("snapshots").Where("uid = ?", image.Source).Exists(ctx)
		if err != nil {
			return r, err
		}
		if of {
			r.Instance, snapshot = "", image.Source
		}
	}
	return r, i.again(ctx, tx, image, j, snapshot)
}

// again puts a job back to its first stage.
func (i *Images) again(ctx context.Context, tx *store.Tx, image *Image, j *Job, snapshot string) error {
	image.Status = Importing
	j.Stage, j.Tries, j.Got, j.Error, j.Trouble, j.Changed = Fetching, 0, 0, "", "", tx.Time()
	switch j.Way {
	case ByUpload:
		j.Stage = Receiving
	case ByCapture:
		image.Status = Imaging
		wanted, err := link.Put(ctx, tx, spec.HostTarget(j.Host), spec.KindImage, image.UID, spec.Image{UID: image.UID, Name: image.Slug, Volume: j.Volume, Snapshot: snapshot})
		if err != nil {
			return err
		}
		j.Stage, j.Wanted, j.Seen, j.Phase, j.SHA256, j.Bytes = Capturing, wanted, 0, spec.Pending, "", 0
	}
	if _, err := tx.NewUpdate().Model(j).WherePK().Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.NewUpdate().Model(image).Column("status").WherePK().Exec(ctx); err != nil {
		return err
	}
	if _, err := operation.Open(ctx, tx, j.Account, "create", Kind, image.UID, string(j.Stage)); err != nil {
		return err
	}
	return work.Wake(ctx, tx, Kind, image.UID)
}

// Copies tells at which sites hosts have an image's file: their UIDs, in order.
func (i *Images) Copies(ctx context.Context, image *Image) (sites []string, err error) {
	if image.File == "" {
		return nil, nil
	}
	err = i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		targets, err := link.ImageTargets(ctx, tx, image.File)
		if err != nil || len(targets) == 0 {
			return err
		}
		hosts := make([]string, len(targets))
		for k, t := range targets {
			hosts[k] = strings.TrimPrefix(t, spec.HostTarget(""))
		}
		return tx.NewSelect().TableExpr("hosts").ColumnExpr("DISTINCT site").Where("uid IN (?)", bun.In(hosts)).Order("site").Scan(ctx, &sites)
	})
	return sites, err
}
