package image

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

// Pull opens the file of an image that a host made, as a stream that ends with it.
type Pull func(ctx context.Context, host, image string) (io.ReadCloser, error)

// SetPull says how files come from hosts; the link's transport knows.
func (i *Images) SetPull(p Pull) { i.pull = p }

// Making an image takes about 10 to 30 minutes (BEC user guide, source 1861-1869).
const (
	captureDeadline = 2 * time.Hour
	pullDeadline    = 6 * time.Hour
	pullCall        = time.Hour
)

// Capture says what image is made of which volume, with what is known of the system on it.
type Capture struct {
	Name, Description string
	Of                *Image // what the volume once started from; nil if that is not known
	Site, Host        string
	Volume            string
	Snapshot          string // UID of the volume's snapshot that it is made of; empty is what the volume holds
	GiB               int64  // of the volume
	Source            string // UID of the instance, whose work is woken when the image is done, or of the snapshot
}

// maxName bounds an image's name, in characters.
const maxName = 128

func checkName(name string) error {
	if n := utf8.RuneCountInString(name); strings.TrimSpace(name) == "" || n > maxName {
		return fault.BadField("name", "must have 1 to %d characters", maxName)
	}
	if strings.IndexFunc(name, unicode.IsControl) >= 0 {
		return fault.BadField("name", "must not hold control characters")
	}
	return nil
}

// CheckCapture refuses what no image can be called, before a transaction begins.
func (i *Images) CheckCapture(name string) error {
	if i.files == nil {
		return errNoFiles
	}
	return checkName(name)
}

// Capture begins to make an image of a volume, inside the change of whose volume it is: nothing may write to the volume, or take its snapshot away, until the image is
// no longer Imaging.
// It gives the operation to follow too.
func (i *Images) Capture(ctx context.Context, tx *store.Tx, caller *identity.Caller, c Capture) (image *Image, op string, err error) {
	if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.Images, Delta: 1}); err != nil {
		return nil, "", err
	}
	image = &Image{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: caller.Account, Site: c.Site, Name: c.Name, Description: c.Description, OSType: "linux", OSLang: "ENG",
		MinDiskGiB: c.GiB, Status: Imaging, Source: c.Source, Created: tx.Time()}
	if o := c.Of; o != nil {
		image.OSType, image.OSName, image.OSVersion, image.OSArch, image.OSBuild, image.OSLang = o.OSType, o.OSName, o.OSVersion, o.OSArch, o.OSBuild, o.OSLang
		image.MinMemoryMiB, image.MinVCPUs, image.GPU = o.MinMemoryMiB, o.MinVCPUs, o.GPU
	}
	if _, err := tx.NewInsert().Model(image).Exec(ctx); err != nil {
		return nil, "", err
	}
	target := spec.HostTarget(c.Host)
	wanted, err := link.Put(ctx, tx, target, spec.KindImage, image.UID, spec.Image{UID: image.UID, Name: image.Slug, Volume: c.Volume, Snapshot: c.Snapshot})
	if err != nil {
		return nil, "", err
	}
	j := &Job{Image: image.UID, Account: caller.Account, Way: ByCapture, Stage: Capturing, Host: c.Host, Volume: c.Volume, Wanted: wanted, Phase: spec.Pending, Changed: tx.Time()}
	if _, err := tx.NewInsert().Model(j).Exec(ctx); err != nil {
		return nil, "", err
	}
	if op, err = operation.OpenFirst(ctx, tx, caller.Account, "create", Kind, image.UID, string(Capturing)); err != nil {
		return nil, "", err
	}
	return image, op, work.Wake(ctx, tx, Kind, image.UID)
}

// Unfinished tells whether images of a source are still being made.
func Unfinished(ctx context.Context, tx *store.Tx, source string) (bool, error) {
	return tx.NewSelect().Model((*Image)(nil)).Where("source = ? AND status = 'imaging'", source).Exists(ctx)
}

// InstanceGone tells that an instance and its volumes are gone: an image that has not been made of it will not be, and the file that it started from may be
// of no use any more.
func InstanceGone(ctx context.Context, tx *store.Tx, instance, file string) error {
	var wake []struct{ Kind, UID string }
	err := tx.NewRaw("SELECT ? AS kind, uid FROM images WHERE source = ? AND status = 'imaging' UNION ALL SELECT ?, file.uid FROM image_files AS file WHERE file.uid = ? AND "+unused,
		Kind, instance, FileKind, file).Scan(ctx, &wake)
	if err != nil {
		return err
	}
	for _, w := range wake {
		if err := work.Wake(ctx, tx, w.Kind, w.UID); err != nil {
			return err
		}
	}
	return nil
}

// capturing waits for the host to have made the image.
func (i *Images) capturing(ctx context.Context, tx *store.Tx, j *Job) (work.Next, error) {
	if j.Seen >= j.Wanted && j.Phase == spec.Applied && j.SHA256 != "" {
		return work.Goto(string(Pulling)), nil
	}
	there, err := tx.NewSelect().TableExpr("volumes").Where("uid = ?", j.Volume).Exists(ctx)
	if err != nil || there {
		return work.Wait("report", 0), err
	}
	j.Error = "The disk was deleted before the image was made."
	return work.Goto(string(Stuck)), nil
}

// pulling brings the file from the host.
func (i *Images) pulling(_ context.Context, _ *store.Tx, j *Job) (work.Next, error) {
	uid, host := j.Image, j.Host
	do := func(ctx context.Context) (int64, error) {
		err := i.receive(ctx, uid, host)
		got, _ := i.files.Progress(uid)
		return got, err
	}
	return work.Outside(pullCall, do, i.after(uid, Verifying)), nil
}

func (i *Images) receive(ctx context.Context, uid, host string) error {
	if i.pull == nil {
		return fmt.Errorf("image: no transport to hosts is connected")
	}
	r, err := i.pull(ctx, host, uid)
	if err != nil {
		return err
	}
	defer r.Close()
	stop := context.AfterFunc(ctx, func() { r.Close() })
	defer stop()
	return i.files.Receive(ctx, uid, r)
}

// Observe takes a host's report on an image's file. It wakes the job that waits for it, and what looks after files that nobody needs.
func Observe(ctx context.Context, tx *store.Tx, r spec.Report) error {
	if r.Phase == spec.Gone {
		return work.Wake(ctx, tx, FileKind, r.UID)
	}
	var f spec.ImageFacts
	if len(r.Facts) > 0 {
		if err := json.Unmarshal(r.Facts, &f); err != nil {
			return fmt.Errorf("read facts of image %s: %w", r.UID, err)
		}
	}
	res, err := tx.NewRaw("UPDATE image_jobs SET seen = ?, phase = ?, trouble = ?, sha256 = ?, bytes = ? WHERE image = ? AND host = ? AND state = ? AND seen <= ?",
		r.Generation, r.Phase, r.Error, f.SHA256, f.Bytes, r.UID, r.Host, Capturing, r.Generation).Exec(ctx)
	if err != nil {
		return err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return nil
	}
	return work.Wake(ctx, tx, Kind, r.UID)
}

// settleHost makes what the maker of an image has its copy of the image's file, or takes it away if there is a file with the same content already.
func (i *Images) settleHost(ctx context.Context, tx *store.Tx, j *Job, file *File) error {
	target := spec.HostTarget(j.Host)
	if file == nil || file.UID != j.Image {
		return link.Delete(ctx, tx, target, spec.KindImage, j.Image)
	}
	_, err := link.Put(ctx, tx, target, spec.KindImage, file.UID, FileSpec(file))
	return err
}

// FileSpec is what a host is told of a file.
func FileSpec(f *File) spec.Image {
	return spec.Image{UID: f.UID, Name: f.SHA256[:12], URL: f.URL, SHA256: f.SHA256, Format: f.Format, Bytes: f.Bytes}
}

// Rename gives one of the caller's own images another name.
func (i *Images) Rename(ctx context.Context, caller *identity.Caller, id, name string) (image *Image, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	err = i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if image, err = Own(ctx, tx, caller, id); err != nil {
			return err
		}
		image.Name = name
		if _, err := tx.NewUpdate().Model(image).Column("name").WherePK().Exec(ctx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, image.UID)
	})
	return image, err
}

// Own finds one of the caller's own images; a public one is a conflict, since everybody sees it and nobody but operators changes it.
func Own(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Image, error) {
	image := new(Image)
	err := tx.NewSelect().Model(image).Where("account IN ('', ?) AND (uid = ? OR slug = ?)", caller.Account, id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing(Kind, id)
	}
	if err == nil && image.Public() {
		return nil, fault.Conflicting(Kind, id, "The image %s is public; only custom images can be changed.", image.Name)
	}
	return image, err
}

// Delete takes one of the caller's own images out of the catalogue, and gives its quota back. One that is being made stays until it is done.
func Delete(ctx context.Context, tx *store.Tx, image *Image) error {
	if image.Status == Imaging {
		return fault.Conflicting(Kind, image.Slug, "The image %s is being made; it can be deleted when it is done.", image.Name)
	}
	if _, err := tx.NewDelete().Model(image).WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := operation.Fail(ctx, tx, image.UID, "The image was deleted."); err != nil {
		return err
	}
	if err := quota.Count(ctx, tx, image.Account, quota.Change{Name: quota.Images, Delta: -1}); err != nil {
		return err
	}
	return sweepFiles(ctx, tx)
}
