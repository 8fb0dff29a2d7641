package image

import (
	"github.com/uptrace/bun"

	"edgecloud/store"
)

// Status of an image.
type Status string

// The statuses of an image.
const (
	Active    Status = "active"
	Imaging   Status = "imaging"   // being made from an instance
	Importing Status = "importing" // its file is on its way
	Broken    Status = "failed"
)

// Kind is the kind of images in work rows, operations and audit records.
const Kind = "image"

// Image is one entry of the catalogue. Account is empty for public images, which everybody sees.
type Image struct {
	bun.BaseModel `bun:"table:images,alias:image"`

	UID          string     `bun:"uid,pk"`
	Slug         string     `bun:"slug"`
	Account      string     `bun:"account"`
	Site         string     `bun:"site"` // where a custom image was made; empty for public ones
	Name         string     `bun:"name"`
	Description  string     `bun:"description"`
	OSType       string     `bun:"os_type"` // linux, windows, freebsd
	OSName       string     `bun:"os_name"` // Ubuntu
	OSVersion    string     `bun:"os_version"`
	OSArch       string     `bun:"os_arch"` // x86_64
	OSBuild      string     `bun:"os_build"`
	OSLang       string     `bun:"os_lang"`
	MinDiskGiB   int64      `bun:"min_disk_gib"`
	MinMemoryMiB int64      `bun:"min_memory_mib"`
	MinVCPUs     int64      `bun:"min_vcpus"`
	GPU          bool       `bun:"gpu"`
	Status       Status     `bun:"status"`
	File         string     `bun:"file,nullzero"` // empty until there is one
	Source       string     `bun:"source"`        // UID of the instance or snapshot it was made from
	Registered   string     `bun:"registered"`    // UID of the image whose file it was registered from; empty for others
	Created      store.Time `bun:"created"`
}

// Public tells whether every account sees the image.
func (i *Image) Public() bool { return i.Account == "" }

// File is what stands behind images: one file in the control plane's file store or at a URL, known by its content.
type File struct {
	bun.BaseModel `bun:"table:image_files,alias:file"`

	UID          string     `bun:"uid,pk"`
	SHA256       string     `bun:"sha256"` // hex, of the file as fetched
	Format       string     `bun:"format"` // qcow2 or raw
	Bytes        int64      `bun:"bytes"`
	VirtualBytes int64      `bun:"virtual_bytes"` // what a guest sees
	URL          string     `bun:"url"`           // where hosts fetch it: a path under the control plane's file server, or an absolute URL
	Created      store.Time `bun:"created"`
}
