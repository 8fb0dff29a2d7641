package image

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/cloud/image/files"
	"edgecloud/cloud/operation"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/work"
)

// How long each stage may last, and one call in it.
const (
	receiveDeadline = 24 * time.Hour
	fetchDeadline   = 12 * time.Hour
	verifyDeadline  = 2 * time.Hour
	fetchCall       = time.Hour
	verifyCall      = time.Hour
)

// A fetch that brings nothing is tried so often before the job fails, with pauses from retryFirst, doubling.
const (
	maxTries   = 6
	retryFirst = 2 * time.Second
)

// Lifecycle is the life of the jobs that bring images' files: one function per stage.
func (i *Images) Lifecycle() work.Lifecycle {
	wait := func(step stepFunc, deadline time.Duration) work.State[*Job] {
		return work.State[*Job]{Step: step, Deadline: deadline, OnDeadline: i.tooLate}
	}
	return work.Machine[*Job]{
		Kind: Kind, Load: i.loadJob, SetState: i.setStage,
		States: map[string]work.State[*Job]{
			string(Receiving): wait(i.receiving, receiveDeadline),
			string(Fetching):  wait(i.fetching, fetchDeadline),
			string(Capturing): wait(i.capturing, captureDeadline),
			string(Pulling):   wait(i.pulling, pullDeadline),
			string(Verifying): wait(i.verifying, verifyDeadline),
			string(Stuck):     {Terminal: true},
		},
	}.MustBuild()
}

type stepFunc = func(ctx context.Context, tx *store.Tx, j *Job) (work.Next, error)

func in(values []string) any { return bun.In(values) }

func (i *Images) loadJob(ctx context.Context, tx *store.Tx, uid string) (*Job, string, error) {
	j, err := i.job(ctx, tx, uid)
	return j, string(j.Stage), err
}

// setStage moves a job on; one that failed takes its image with it unless that has a file already.
func (i *Images) setStage(ctx context.Context, tx *store.Tx, j *Job, stage string) error {
	from := j.Stage
	j.Stage, j.Changed = Stage(stage), tx.Time()
	res, err := tx.NewUpdate().Model(j).Column("state", "error", "changed").Where("image = ? AND state = ?", j.Image, from).Exec(ctx)
	if err != nil {
		return err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return fmt.Errorf("the image %s left the stage %s meanwhile", j.Image, from)
	}
	if j.Stage != Stuck {
		return operation.Progress(ctx, tx, j.Image, stage, 50)
	}
	return i.failed(ctx, tx, j)
}

func (i *Images) failed(ctx context.Context, tx *store.Tx, j *Job) error {
	if _, err := tx.NewUpdate().Model((*Image)(nil)).Set("status = ?", Broken).Where("uid = ? AND file IS NULL", j.Image).Exec(ctx); err != nil {
		return err
	}
	image := j.Image
	tx.AfterCommit(func() {
		i.forget()
		_ = i.files.Drop(image) // swept at the next start otherwise
	})
	if j.Way == ByCapture {
		if err := i.settleHost(ctx, tx, j, nil); err != nil {
			return err
		}
	}
	if err := wakeSource(ctx, tx, j.Image); err != nil {
		return err
	}
	return operation.Fail(ctx, tx, j.Image, j.Error)
}

// wakeSource lets the instance that an image is made of go on.
func wakeSource(ctx context.Context, tx *store.Tx, uid string) error {
	var source string
	err := tx.NewSelect().Model((*Image)(nil)).Column("source").Where("uid = ?", uid).Scan(ctx, &source)
	if store.NotFound(err) || err == nil && source == "" {
		return nil
	}
	if err != nil {
		return err
	}
	return work.Wake(ctx, tx, "instance", source)
}

func (i *Images) tooLate(_ context.Context, _ *store.Tx, j *Job) (work.Next, error) {
	j.Error = fmt.Sprintf("It was %s for too long.", j.Stage)
	if j.Trouble != "" {
		j.Error += " Last: " + j.Trouble
	}
	return work.Goto(string(Stuck)), nil
}

// receiving waits for the rest of an upload.
func (i *Images) receiving(_ context.Context, _ *store.Tx, j *Job) (work.Next, error) {
	if received, _ := i.files.Progress(j.Image); received < j.Bytes {
		return work.Wait("upload", 0), nil
	}
	return work.Goto(string(Verifying)), nil
}

// fetching brings the file from its URL.
func (i *Images) fetching(_ context.Context, _ *store.Tx, j *Job) (work.Next, error) {
	uid, url, who := j.Image, j.URL, files.Who(j.Operator)
	do := func(ctx context.Context) (int64, error) {
		err := i.files.Fetch(ctx, uid, url, who)
		got, _ := i.files.Progress(uid)
		return got, err
	}
	return work.Outside(fetchCall, do, i.after(uid, Verifying)), nil
}

// after is what follows a call that brings bytes: the next stage, another try, or the end.
func (i *Images) after(uid string, to Stage) func(ctx context.Context, tx *store.Tx, got int64, err error) (work.Next, error) {
	return func(ctx context.Context, tx *store.Tx, got int64, failed error) (work.Next, error) {
		j, err := i.job(ctx, tx, uid)
		if store.NotFound(err) {
			tx.AfterCommit(func() { _ = i.files.Drop(uid) }) // the image was deleted meanwhile; swept at the next start otherwise
			return work.Done(), nil
		}
		if err != nil {
			return work.Next{}, err
		}
		if failed == nil {
			return i.enter(ctx, tx, j, to)
		}
		return i.tryAgain(ctx, tx, j, got, failed)
	}
}

func (i *Images) tryAgain(ctx context.Context, tx *store.Tx, j *Job, got int64, failed error) (work.Next, error) {
	var f *fault.Fault
	if j.Tries++; got > j.Got {
		j.Tries = 1
	}
	if errors.As(failed, &f) && f.Kind != fault.Internal || j.Tries >= maxTries {
		j.Error = failed.Error()
		if f != nil {
			j.Error = f.Sentence
		}
		return i.enter(ctx, tx, j, Stuck)
	}
	j.Got, j.Trouble = got, failed.Error()
	_, err := tx.NewUpdate().Model(j).Column("tries", "got", "trouble").WherePK().Exec(ctx)
	return work.Again(retryFirst << (j.Tries - 1)), err
}

// enter moves a job on in the second half of a call, after which the machine reads it again.
func (i *Images) enter(ctx context.Context, tx *store.Tx, j *Job, to Stage) (work.Next, error) {
	return work.Again(0), i.setStage(ctx, tx, j, string(to))
}

// verifying checks what has arrived, puts it under its final name, and gives it to the image.
func (i *Images) verifying(_ context.Context, _ *store.Tx, j *Job) (work.Next, error) {
	uid, sum := j.Image, j.SHA256
	do := func(ctx context.Context) (files.Settled, error) { return i.files.Settle(ctx, uid, sum) }
	return work.Outside(verifyCall, do, func(ctx context.Context, tx *store.Tx, s files.Settled, failed error) (work.Next, error) {
		j, err := i.job(ctx, tx, uid)
		switch {
		case store.NotFound(err):
			return work.Done(), nil
		case err != nil:
			return work.Next{}, err
		case failed != nil:
			return i.tryAgain(ctx, tx, j, j.Got, failed)
		}
		if !i.files.Has(s.SHA256) {
			return work.Again(retryFirst), nil // its last user went meanwhile, and it with him
		}
		return work.Again(0), i.complete(ctx, tx, j, s)
	}), nil
}

// complete gives an image its file, and forgets the job.
func (i *Images) complete(ctx context.Context, tx *store.Tx, j *Job, s files.Settled) error {
	uid := tx.NewUID()
	if j.Way == ByCapture {
		uid = j.Image // its maker has it under this name
	}
	file, err := addFileAs(ctx, tx, uid, NewFile{SHA256: s.SHA256, Format: s.Format, Bytes: s.Bytes, VirtualBytes: s.VirtualBytes, URL: i.files.URL(s.SHA256)})
	if err != nil {
		return err
	}
	if err := i.give(ctx, tx, j, file); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model(j).WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := sweepFiles(ctx, tx); err != nil {
		return err // what the image had before may be of no use now
	}
	tx.AfterCommit(func() { _ = i.files.Drop(j.Image) }) // its second name; swept at the next start otherwise
	return operation.Succeed(ctx, tx, j.Image)
}

// give makes an image, and what shares its file, usable: a public one under all its names, an account's own as it is.
func (i *Images) give(ctx context.Context, tx *store.Tx, j *Job, file *File) error {
	own := new(Image)
	if err := tx.NewSelect().Model(own).Where("uid = ?", j.Image).Scan(ctx); err != nil {
		return err
	}
	if !own.Public() {
		own.File, own.Status, own.MinDiskGiB = file.UID, Active, max(own.MinDiskGiB, gib(file.VirtualBytes))
		if _, err := tx.NewUpdate().Model(own).Column("file", "status", "min_disk_gib").WherePK().Exec(ctx); err != nil || j.Way != ByCapture {
			return err
		}
		if err := i.settleHost(ctx, tx, j, file); err != nil {
			return err
		}
		return wakeSource(ctx, tx, own.UID)
	}
	wish := j.Wish.V
	for _, name := range append([]string{wish.Name}, wish.Names...) {
		n := wish
		n.Name = name
		if _, err := i.publish(ctx, tx, n, file); err != nil {
			return err
		}
	}
	return nil
}

// Unsettled lists the images whose files are on their way, for the slow scan that finds lost wake-ups.
func Unsettled(ctx context.Context, tx *store.Tx, after string, limit int) (uids []string, err error) {
	err = tx.NewSelect().Model((*Job)(nil)).Column("image").Where("image > ? AND state <> ?", after, Stuck).Order("image").Limit(limit).Scan(ctx, &uids)
	return uids, err
}
