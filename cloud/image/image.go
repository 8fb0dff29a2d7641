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
	"edgecloud/cloud/image/files"
	"edgecloud/fault"
	"edgecloud/store"
)

// cacheAge is how old the cached public catalogue may be.
const cacheAge = 5 * time.Second

// Images gives access to the catalogue.
type Images struct {
	db    *store.DB
	files *files.Store // nil: images cannot be imported or made
	pull  Pull

	mu     sync.Mutex
	public []*Image
	backs  map[string]*File // by UID
	loaded time.Time
}

// New makes an Images on a database, and on a store of files if images can be imported and made.
func New(db *store.DB, f *files.Store) *Images { return &Images{db: db, files: f} }

// Filter narrows a list. Empty fields match any.
type Filter struct {
	Keyword string // part of the name
	OSType  string
	OSName  string
	GPU     *bool
	Public  *bool
	Status  Status
	Site    string
	// Unfinished adds public images that cannot be used: only their operator has to know of them.
	Unfinished bool
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
	if !f.Unfinished {
		q = q.Where("account <> '' OR status = ?", Active)
	}
	return q
}

// Usable gives an image that instances can be made from.
func (i *Images) Usable(ctx context.Context, caller *identity.Caller, id string) (*Image, *File, error) {
	image, file, err := i.Find(ctx, caller, id)
	if err != nil {
		return nil, nil, err
	}
	if image.Status != Active || file == nil {
		return nil, nil, fault.Conflicting(Kind, image.Name, "The image %s is %s; it cannot be used.", image.Name, image.Status)
	}
	return image, file, nil
}

// Find gives one image that the caller sees, by UID, slug or public name; its file is nil while it has none. Public images come from a cache of a few seconds.
func (i *Images) Find(ctx context.Context, caller *identity.Caller, id string) (*Image, *File, error) {
	if err := i.load(ctx); err != nil {
		return nil, nil, err
	}
	i.mu.Lock()
	for _, p := range i.public {
		if (p.Slug == id || p.UID == id || p.Name == id) && (p.Status == Active || caller.Operator) {
			defer i.mu.Unlock()
			return p, i.backs[p.File], nil
		}
	}
	i.mu.Unlock()
	return i.findOwn(ctx, caller, id)
}

func (i *Images) findOwn(ctx context.Context, caller *identity.Caller, id string) (*Image, *File, error) {
	image, file := new(Image), new(File)
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model(image).Where("(account = ? OR account = '' AND (status = ? OR ?)) AND (uid = ? OR slug = ? OR name = ? AND account = '')",
			caller.Account, Active, caller.Operator, id, id, id)
		if err := q.Scan(ctx); err != nil {
			return err
		}
		if image.File == "" {
			file = nil
			return nil
		}
		return tx.NewSelect().Model(file).Where("uid = ?", image.File).Scan(ctx)
	})
	if store.NotFound(err) {
		return nil, nil, fault.Missing(Kind, id)
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
	var backs []*File
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.NewSelect().Model(&public).Where("account = ''").Order("name").Scan(ctx); err != nil {
			return err
		}
		return tx.NewSelect().Model(&backs).Where("uid IN (SELECT file FROM images WHERE account = '')").Scan(ctx)
	})
	if err != nil {
		return err
	}
	i.backs = map[string]*File{}
	for _, f := range backs {
		i.backs[f.UID] = f
	}
	i.public, i.loaded = public, now
	return nil
}

// NewImage is what an operator says of a public image.
type NewImage struct {
	Name, Description                          string
	Names                                      []string // further ones for the same file; only in imports
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
		if image, err = i.publish(ctx, tx, n, file); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, image.UID)
	})
	return image, err
}

// publish puts a public image with its file into the catalogue, or gives the name that is there another file.
func (i *Images) publish(ctx context.Context, tx *store.Tx, n NewImage, file *File) (*Image, error) {
	image := n.image(tx, file)
	q := tx.NewInsert().Model(image).On("CONFLICT (name) WHERE account = '' DO UPDATE")
	for _, column := range []string{"description", "os_type", "os_name", "os_version", "os_arch", "os_build", "min_disk_gib", "min_memory_mib", "gpu", "status", "file"} {
		q = q.Set("? = excluded.?", bun.Ident(column), bun.Ident(column))
	}
	if _, err := q.Returning("*").Exec(ctx); err != nil {
		return nil, fmt.Errorf("publish image %s: %w", n.Name, err)
	}
	tx.AfterCommit(i.forget)
	return image, nil
}

func (n NewImage) image(tx *store.Tx, file *File) *Image {
	minDisk := max(n.MinDiskGiB, gib(file.VirtualBytes))
	return &Image{UID: tx.NewUID(), Slug: tx.NewSlug(), Name: n.Name, Description: n.Description, OSType: n.OSType, OSName: n.OSName, OSVersion: n.OSVersion,
		OSArch: n.OSArch, OSBuild: n.OSBuild, OSLang: "ENG", MinDiskGiB: minDisk, MinMemoryMiB: n.MinMemoryMiB, GPU: n.GPU, Status: Active, File: file.UID,
		Created: store.At(tx.Now())}
}

// gib rounds bytes up.
func gib(bytes int64) int64 { return (bytes + 1<<30 - 1) >> 30 }

func addFile(ctx context.Context, tx *store.Tx, f NewFile) (*File, error) {
	return addFileAs(ctx, tx, tx.NewUID(), f)
}

// addFileAs adds a file under a UID, unless one with its content is there.
func addFileAs(ctx context.Context, tx *store.Tx, uid string, f NewFile) (*File, error) {
	file := &File{UID: uid, SHA256: f.SHA256, Format: f.Format, Bytes: f.Bytes, VirtualBytes: f.VirtualBytes, URL: f.URL, Created: store.At(tx.Now())}
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
		if err := sweepFiles(ctx, tx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, id)
	})
}

func (i *Images) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.loaded = time.Time{}
}
