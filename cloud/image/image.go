package image

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// cacheAge is how old the cached public catalogue may be.
const cacheAge = 5 * time.Second

// Images gives access to the catalogue.
type Images struct {
	db *store.DB

	mu     sync.Mutex
	public []*Image
	files  map[string]*File
	loaded time.Time
}

// New makes an Images on a database.
func New(db *store.DB) *Images { return &Images{db: db} }

// Filter narrows a list. Empty fields match any.
type Filter struct {
	Keyword string // part of the name
	OSType  string
	OSName  string
	GPU     *bool
	Public  *bool
	Status  Status
	Site    string
}

// List gives the images that the caller sees: public ones and its own, by name.
func (i *Images) List(ctx context.Context, caller *identity.Caller, f Filter) ([]*Image, error) {
	var found []*Image
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model(&found).Where("account IN ('', ?)", caller.Account).Order("name", "uid")
		return f.apply(q).Scan(ctx)
	})
	return found, err
}

func (f Filter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.Keyword != "" {
		q = q.Where("LOWER(name) LIKE ? ESCAPE '!'", store.Contains(strings.ToLower(f.Keyword)))
	}
	if f.OSType != "" {
		q = q.Where("os_type = ?", strings.ToLower(f.OSType))
	}
	if f.OSName != "" {
		q = q.Where("LOWER(os_name) = ?", strings.ToLower(f.OSName))
	}
	if f.GPU != nil {
		q = q.Where("gpu = ?", *f.GPU)
	}
	if f.Public != nil && *f.Public {
		q = q.Where("account = ''")
	}
	if f.Public != nil && !*f.Public {
		q = q.Where("account <> ''")
	}
	if f.Status != "" {
		q = q.Where("status = ?", f.Status)
	}
	if f.Site != "" {
		q = q.Where("site IN ('', ?)", f.Site)
	}
	return q
}

// Find gives one image that the caller sees, by UID, slug or public name. Public images come from a cache of a few seconds.
func (i *Images) Find(ctx context.Context, caller *identity.Caller, id string) (*Image, *File, error) {
	if err := i.load(ctx); err != nil {
		return nil, nil, err
	}
	i.mu.Lock()
	for _, p := range i.public {
		if p.Slug == id || p.UID == id || p.Name == id {
			defer i.mu.Unlock()
			return p, i.files[p.File], nil
		}
	}
	i.mu.Unlock()
	return i.findOwn(ctx, caller, id)
}

func (i *Images) findOwn(ctx context.Context, caller *identity.Caller, id string) (*Image, *File, error) {
	image, file := new(Image), new(File)
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.NewSelect().Model(image).Where("account IN ('', ?) AND (uid = ? OR slug = ?)", caller.Account, id, id).Scan(ctx); err != nil {
			return err
		}
		return tx.NewSelect().Model(file).Where("uid = ?", image.File).Scan(ctx)
	})
	if store.NotFound(err) {
		return nil, nil, fault.Missing("image", id)
	}
	return image, file, err
}

// ByUID gives images by UID, for the lists of what was made from them; images that are gone are left out.
func ByUID(ctx context.Context, tx *store.Tx, uids []string) (map[string]*Image, error) {
	found := map[string]*Image{}
	if len(uids) == 0 {
		return found, nil
	}
	var all []*Image
	if err := tx.NewSelect().Model(&all).Where("uid IN (?)", bun.In(uids)).Scan(ctx); err != nil {
		return nil, err
	}
	for _, one := range all {
		found[one.UID] = one
	}
	return found, nil
}

func (i *Images) load(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.db.Now()
	if age := now.Sub(i.loaded); !i.loaded.IsZero() && age >= 0 && age < cacheAge {
		return nil
	}
	var public []*Image
	var files []*File
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.NewSelect().Model(&public).Where("account = ''").Order("name").Scan(ctx); err != nil {
			return err
		}
		return tx.NewSelect().Model(&files).Where("uid IN (SELECT file FROM images WHERE account = '')").Scan(ctx)
	})
	if err != nil {
		return err
	}
	i.files = map[string]*File{}
	for _, f := range files {
		i.files[f.UID] = f
	}
	i.public, i.loaded = public, now
	return nil
}

// NewImage is what an operator says of a public image.
type NewImage struct {
	Name, Description                          string
	OSType, OSName, OSVersion, OSArch, OSBuild string
	MinDiskGiB, MinMemoryMiB                   int64
	GPU                                        bool
}

// NewFile is what is known of an image's file.
type NewFile struct {
	SHA256       string
	Format       string
	Bytes        int64
	VirtualBytes int64
	URL          string
}

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (f NewFile) check() error {
	if !hexDigest.MatchString(f.SHA256) {
		return fault.BadField("sha256", "must be 64 lower-case hex digits")
	}
	if f.Format != "qcow2" && f.Format != "raw" {
		return fault.BadField("format", "must be qcow2 or raw")
	}
	if f.Bytes <= 0 || f.VirtualBytes <= 0 {
		return fault.BadField("bytes", "must be positive")
	}
	if f.URL == "" {
		return fault.BadField("url", "must say where hosts fetch the file")
	}
	return nil
}

// Publish puts a public image into the catalogue, or maps an existing public name to another file. Instances that run keep the file they were made from.
// For operators.
func (i *Images) Publish(ctx context.Context, caller *identity.Caller, n NewImage, f NewFile) (*Image, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	if n.Name == "" {
		return nil, fault.BadField("name", "an image needs a name")
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	var image *Image
	err := i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		file, err := addFile(ctx, tx, f)
		if err != nil {
			return err
		}
		image = n.image(tx, file)
		_, err = tx.NewInsert().Model(image).On("CONFLICT (name) WHERE account = '' DO UPDATE").Set("file = excluded.file").
			Set("description = excluded.description").Returning("*").Exec(ctx)
		if err != nil {
			return fmt.Errorf("publish image %s: %w", n.Name, err)
		}
		tx.AfterCommit(i.forget)
		return audit.Note(ctx, tx, caller, "image", image.UID)
	})
	return image, err
}

func (n NewImage) image(tx *store.Tx, file *File) *Image {
	minDisk := max(n.MinDiskGiB, (file.VirtualBytes+1<<30-1)>>30)
	return &Image{UID: tx.NewUID(), Slug: tx.NewSlug(), Name: n.Name, Description: n.Description, OSType: n.OSType, OSName: n.OSName, OSVersion: n.OSVersion,
		OSArch: n.OSArch, OSBuild: n.OSBuild, OSLang: "ENG", MinDiskGiB: minDisk, MinMemoryMiB: n.MinMemoryMiB, GPU: n.GPU, Status: Active, File: file.UID,
		Created: store.At(tx.Now())}
}

func addFile(ctx context.Context, tx *store.Tx, f NewFile) (*File, error) {
	file := &File{UID: tx.NewUID(), SHA256: f.SHA256, Format: f.Format, Bytes: f.Bytes, VirtualBytes: f.VirtualBytes, URL: f.URL, Created: store.At(tx.Now())}
	_, err := tx.NewInsert().Model(file).On("CONFLICT (sha256) DO UPDATE").Set("url = excluded.url").Returning("*").Exec(ctx)
	return file, err
}

// Withdraw takes a public image out of the catalogue. Instances made from it stay. For operators.
func (i *Images) Withdraw(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayOperate(); err != nil {
		return err
	}
	return i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		res, err := tx.NewDelete().Model((*Image)(nil)).Where("account = '' AND (uid = ? OR slug = ? OR name = ?)", id, id, id).Exec(ctx)
		if err != nil {
			return err
		}
		if n, _ := res.RowsAffected(); n == 0 {
			return fault.Missing("image", id)
		}
		tx.AfterCommit(i.forget)
		return audit.Note(ctx, tx, caller, "image", id)
	})
}

func (i *Images) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.loaded = time.Time{}
}
