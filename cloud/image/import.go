package image

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image/files"
	"edgecloud/cloud/operation"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/work"
)

// Import says what an image is to be and where its file comes from: a URL, or an upload of so many bytes that follows (Upload).
type Import struct {
	NewImage
	URL     string
	Bytes   int64  // of an upload
	SHA256  string // of the file as it comes
	Replace bool   // names that the catalogue has are given the new file
}

func (w Import) check() error {
	if err := w.NewImage.check(); err != nil {
		return err
	}
	if (w.URL == "") == (w.Bytes == 0) {
		return fault.BadField("url", "give a url, or the bytes of an upload, and not both")
	}
	if w.Bytes < 0 {
		return fault.BadField("bytes", "must be positive")
	}
	if !hexDigest.MatchString(w.SHA256) {
		return fault.BadField("sha256", "must be 64 lower-case hex digits: the file is checked against it")
	}
	if w.URL != "" {
		return files.CheckURL("url", w.URL)
	}
	return nil
}

func (n NewImage) check() error {
	if n.Name == "" {
		return fault.BadField("name", "an image needs a name")
	}
	if !slices.Contains([]string{"linux", "windows", "freebsd"}, n.OSType) {
		return fault.BadField("osType", "must be linux, windows or freebsd")
	}
	if n.MinDiskGiB < 0 || n.MinMemoryMiB < 0 {
		return fault.BadField("minDiskGiB", "must not be negative")
	}
	seen := map[string]bool{n.Name: true}
	for _, name := range n.Names {
		if name == "" || seen[name] {
			return fault.BadField("names", "must be different and not empty")
		}
		seen[name] = true
	}
	return nil
}

var errNoFiles = fault.New(fault.Unavailable, "This control plane keeps no image files.")

// Import begins to bring a public image's file. It answers at once; the image is importing until the file is here and checked. Importing the same upload again
// goes on with it. An image that has a file keeps it until the new one is complete. For operators.
func (i *Images) Import(ctx context.Context, caller *identity.Caller, w Import) (image *Image, err error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	if i.files == nil {
		return nil, errNoFiles
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	if w.Bytes > i.files.Limit() {
		return nil, fault.BadField("bytes", "must be at most %d", i.files.Limit())
	}
	err = i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if image, err = i.named(ctx, tx, w); err != nil {
			return err
		}
		if err := i.begin(ctx, tx, image, w.job(tx, caller, image.UID)); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, image.UID)
	})
	return image, err
}

func (w Import) job(tx *store.Tx, caller *identity.Caller, image string) *Job {
	j := &Job{Image: image, Account: caller.Account, Way: ByURL, Stage: Fetching, URL: w.URL, Operator: true, SHA256: w.SHA256, Bytes: w.Bytes, Changed: tx.Time()}
	j.Wish.V = w.NewImage
	if w.URL == "" {
		j.Way, j.Stage = ByUpload, Receiving
	}
	return j
}

// ImportOwn begins to bring a file from a URL as one of the caller's own images (custom image). The URL must lead to a public address, or to a network that the
// operator allows (files.Config.Tenants). It has no checksum: what comes is kept if it is a disk.
func (i *Images) ImportOwn(ctx context.Context, caller *identity.Caller, n NewImage, url string) (image *Image, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if i.files == nil {
		return nil, errNoFiles
	}
	if err := cmp.Or(checkName(n.Name), n.check(), files.CheckURL("bosUrl", url)); err != nil {
		return nil, err
	}
	err = i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.Images, Delta: 1}); err != nil {
			return err
		}
		image = n.image(tx, &File{})
		image.Account, image.Status = caller.Account, Importing
		if _, err := tx.NewInsert().Model(image).Exec(ctx); err != nil {
			return err
		}
		j := &Job{Image: image.UID, Account: caller.Account, Way: ByURL, Stage: Fetching, URL: url, Changed: tx.Time()}
		if err := i.begin(ctx, tx, image, j); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, image.UID)
	})
	return image, err
}

// named finds the row that has the name, if it may be given another file, or makes one. The further names are held against the catalogue now, and taken when the
// file is complete.
func (i *Images) named(ctx context.Context, tx *store.Tx, w Import) (*Image, error) {
	var taken []*Image
	if err := tx.NewSelect().Model(&taken).Where("account = '' AND name IN (?)", in(append([]string{w.Name}, w.Names...))).Scan(ctx); err != nil {
		return nil, err
	}
	var found *Image
	for _, t := range taken {
		if t.Name == w.Name && (t.Status != Active || w.Replace) {
			found = t
			continue
		}
		if !w.Replace {
			return nil, fault.New(fault.Exists, "The catalogue has an image named %q; say replace to give it the new file.", t.Name).On("name").About(Kind, t.Name)
		}
	}
	if found != nil {
		return found, nil
	}
	made := w.NewImage.image(tx, &File{})
	made.Status = Importing
	_, err := tx.NewInsert().Model(made).Exec(ctx)
	tx.AfterCommit(i.forget)
	return made, err
}

// begin starts a job on an image. The same job that is under way goes on; another one is a conflict.
func (i *Images) begin(ctx context.Context, tx *store.Tx, image *Image, j *Job) error {
	old, err := i.job(ctx, tx, image.UID)
	if err != nil && !store.NotFound(err) {
		return err
	}
	same := err == nil && old.Way == j.Way && old.URL == j.URL && old.SHA256 == j.SHA256 && old.Bytes == j.Bytes
	if err == nil && old.Stage != Stuck {
		if same {
			return nil
		}
		return fault.Conflicting(Kind, image.Name, "Another file of the image %s is on its way.", image.Name)
	}
	if err == nil {
		if _, err := tx.NewDelete().Model(old).WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	if _, err := tx.NewInsert().Model(j).Exec(ctx); err != nil {
		return err
	}
	if image.Status == Broken {
		image.Status = Importing
		if _, err := tx.NewUpdate().Model(image).Column("status").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	if _, err := operation.Open(ctx, tx, j.Account, "import", Kind, image.UID, string(j.Stage)); err != nil {
		return err
	}
	tx.AfterCommit(i.forget)
	return work.Wake(ctx, tx, Kind, image.UID)
}

// MaxPiece bounds a piece of an upload, in bytes: it is held in memory.
const MaxPiece = 8 << 20

// Upload takes a piece of an image's file that begins at an offset. Pieces come in order; one may come again. When all bytes are here the file is checked. For
// operators.
func (i *Images) Upload(ctx context.Context, caller *identity.Caller, id string, offset int64, piece []byte) (image *Image, err error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	if len(piece) == 0 || len(piece) > MaxPiece {
		return nil, fault.BadField("body", "a piece has 1 to %d bytes, not %d", MaxPiece, len(piece))
	}
	if image, _, err = i.Find(ctx, caller, id); err != nil {
		return nil, err
	}
	jobs, err := i.Jobs(ctx, []string{image.UID})
	if err != nil {
		return nil, err
	}
	j := jobs[image.UID]
	if j == nil || j.Way != ByUpload || j.Stage != Receiving {
		return nil, fault.Conflicting(Kind, image.Name, "The image %s waits for no upload.", image.Name)
	}
	if offset+int64(len(piece)) > j.Bytes {
		return nil, fault.BadField("offset", "the piece goes beyond the %d bytes that were announced", j.Bytes)
	}
	received, err := i.files.Write(image.UID, offset, piece)
	if err != nil || received < j.Bytes {
		return image, err
	}
	return image, i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := audit.Note(ctx, tx, caller, Kind, image.UID); err != nil {
			return err
		}
		return work.Wake(ctx, tx, Kind, image.UID)
	})
}

// Sweep removes files that a crash left behind. Call it once at the start, when the catalogue is furnished.
func (i *Images) Sweep(ctx context.Context) error {
	if i.files == nil {
		return nil
	}
	var waiting, sums []string
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := tx.NewSelect().Model((*Job)(nil)).Column("image").Scan(ctx, &waiting)
		return errors.Join(err, tx.NewSelect().Model((*File)(nil)).Column("sha256").Scan(ctx, &sums))
	})
	if err != nil {
		return err
	}
	return i.files.Sweep(i.db.Now(), func(uid string) bool { return slices.Contains(waiting, uid) }, func(sum string) bool { return slices.Contains(sums, sum) })
}
