package image

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/link/spec"
	"edgecloud/store"
)

// Way says where an image's file comes from.
type Way string

// The ways.
const (
	ByURL     Way = "url"     // the centre fetches it
	ByUpload  Way = "upload"  // the caller sends it
	ByCapture Way = "capture" // a host makes it of a volume
)

// Stage is how far the bringing of an image's file is.
type Stage string

// The stages.
const (
	Receiving Stage = "receiving" // an upload has not sent all
	Fetching  Stage = "fetching"  // from a URL
	Capturing Stage = "capturing" // the host copies the volume
	Pulling   Stage = "pulling"   // from the host
	Verifying Stage = "verifying" // all is here
	Stuck     Stage = "failed"    // resting; Error says why
)

// Job brings the file of one image. It is gone when the image has it.
type Job struct {
	bun.BaseModel `bun:"table:image_jobs,alias:job"`

	Image    string               `bun:"image,pk"`
	Account  string               `bun:"account"` // whose operation it is
	Way      Way                  `bun:"kind"`
	Stage    Stage                `bun:"state"`
	URL      string               `bun:"url"`
	Operator bool                 `bun:"operator"` // who asked; see files.Who
	SHA256   string               `bun:"sha256"`   // that the file must have as it comes; empty is not checked
	Bytes    int64                `bun:"bytes"`    // that it must have; 0: not known
	Wish     store.JSON[NewImage] `bun:"wish"`     // what a public image is to be when it has the file

	Host    string     `bun:"host"` // capture
	Volume  string     `bun:"volume"`
	Wanted  int64      `bun:"wanted"`
	Seen    int64      `bun:"seen"`
	Phase   spec.Phase `bun:"phase"`
	Trouble string     `bun:"trouble"` // what went wrong last and is tried again; for operators

	Error   string     `bun:"error"` // why it failed; public
	Tries   int        `bun:"tries"` // since something arrived
	Got     int64      `bun:"got"`   // bytes at the last try
	Changed store.Time `bun:"changed"`
}

// Jobs gives the jobs of images by image, for lists.
func (i *Images) Jobs(ctx context.Context, images []string) (map[string]*Job, error) {
	found := map[string]*Job{}
	if len(images) == 0 {
		return found, nil
	}
	var all []*Job
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(&all).Where("image IN (?)", bun.In(images)).Scan(ctx)
	})
	for _, j := range all {
		found[j.Image] = j
	}
	return found, err
}

// Progress tells how many bytes of an image's file have arrived, and of how many (0: not known).
func (i *Images) Progress(j *Job) (received, total int64) {
	if i.files == nil {
		return 0, j.Bytes
	}
	received, total = i.files.Progress(j.Image)
	return received, max(total, j.Bytes)
}

func (i *Images) job(ctx context.Context, tx *store.Tx, uid string) (*Job, error) {
	j := new(Job)
	return j, tx.NewSelect().Model(j).Where("image = ?", uid).Scan(ctx)
}
