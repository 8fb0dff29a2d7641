package disk

import (
	"context"
	"errors"
	"io"

	"edgecloud/link/spec"
)

// Faults that callers tell apart.
var (
	ErrAbsent   = errors.New("disk: no such volume or image")
	ErrInUse    = errors.New("disk: image is in use by a volume")
	ErrChecksum = errors.New("disk: image does not match its checksum")
	ErrFull     = errors.New("disk: not enough space")
	ErrShrink   = errors.New("disk: a volume cannot shrink")
	ErrFormat   = errors.New("disk: image is not of the format that it claims, or refers to other files")
)

// Source is how a machine on this host reaches a volume.
type Source struct {
	Path   string // file or block device
	Format string // qcow2 or raw
}

// Volume is what the pool says of one volume.
type Volume struct {
	UID       string
	Bytes     int64 // as the guest sees it
	UsedBytes int64 // on this host's disk
	Epoch     int64
	Image     string
}

// Image is what the pool says of an image that Capture made.
type Image struct {
	UID    string
	SHA256 string // of its file, lower-case hex
	Bytes  int64  // of its file
}

// Snapshot is what volumes held at one moment.
type Snapshot struct {
	UID     string
	Volumes []string // UIDs, sorted
}

// Fetch opens an image's file for reading.
type Fetch func(ctx context.Context) (io.ReadCloser, error)

// Pool is the engine's interface. Methods are safe for concurrent use; the agent calls at most one at a time per volume or image.
type Pool interface {
	// EnsureImage fetches the image once, checks its SHA-256 and format while it streams, and keeps it under its UID. It does nothing if it is there.
	// A broken or aborted fetch leaves nothing behind. ErrChecksum (also if it is there with another checksum), ErrFormat, ErrFull.
	EnsureImage(ctx context.Context, image spec.Image, fetch Fetch) error
	// Capture makes an image of what a volume holds now, or held at a snapshot if one is named: a qcow2 file that needs no other. It does nothing if the image
	// is there. Without a snapshot no machine may write to the volume meanwhile; that is the caller's to see to. ErrAbsent if the volume or the snapshot is not
	// there, ErrFull. A broken or aborted call leaves nothing behind.
	Capture(ctx context.Context, image, volume, snapshot string) (Image, error)
	// OpenImage opens the file of an image that Capture made; ErrAbsent if there is none.
	OpenImage(ctx context.Context, uid string) (io.ReadCloser, error)
	// RemoveImage forgets an image; no error when it is absent. ErrInUse while a volume starts from it.
	RemoveImage(ctx context.Context, uid string) error
	// Images lists the UIDs of the images that are complete.
	Images(ctx context.Context) ([]string, error)
	// Ensure makes the volume (a copy of its origin, if it has one), or grows it to Bytes, or starts it again from its image if Epoch is higher than what is there. Ensuring the same again
	// does nothing, and so does a lower epoch. ErrAbsent if its image or origin is not there, ErrShrink (also if it is smaller than its image), ErrFull if it could
	// never fit. Growing works while a machine runs on it.
	Ensure(ctx context.Context, volume spec.Volume) (Volume, error)
	// Remove destroys a volume's data, every epoch and snapshot of it; no error when it is absent.
	Remove(ctx context.Context, uid string) error
	// Get tells one volume; ErrAbsent if there is none.
	Get(ctx context.Context, uid string) (Volume, error)
	// List tells every volume of the pool.
	List(ctx context.Context) ([]Volume, error)
	// Source tells how a machine reaches a volume; ErrAbsent if there is none.
	Source(ctx context.Context, uid string) (Source, error)
	// Snapshot keeps what volumes hold now under a UID, inside them: all at the same moment if a machine runs on them, which goes on. It does nothing if all of
	// them have it; if only some have, it is taken anew of all. A higher epoch of a volume has none of the snapshots of the lower. ErrAbsent if a volume is not there.
	Snapshot(ctx context.Context, uid string, volumes []string) error
	// RollBack gives a volume the content that it had at a snapshot; its size, and its snapshots, stay. ErrAbsent if the volume or its snapshot is not there. No
	// machine may run on it.
	RollBack(ctx context.Context, snapshot, volume string) error
	// RemoveSnapshot forgets a snapshot in every volume that has it, while machines run on; no error when there is none.
	RemoveSnapshot(ctx context.Context, uid string) error
	// Snapshots lists what snapshots there are, by UID.
	Snapshots(ctx context.Context) ([]Snapshot, error)
	// Capacity tells the pool's size and what is free, in bytes.
	Capacity(ctx context.Context) (total, free int64, err error)
}
