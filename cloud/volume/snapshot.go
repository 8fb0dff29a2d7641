package volume

import (
	"context"
	"fmt"
	"regexp"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// SnapshotKind is the kind of snapshots in work rows and audit records.
const SnapshotKind = "snapshot"

// SnapshotState is where a snapshot is in its life.
type SnapshotState string

// The states.
const (
	SnapshotCreating    SnapshotState = "creating"
	SnapshotCreated     SnapshotState = "created" // resting
	SnapshotRollingBack SnapshotState = "rolling-back"
	SnapshotDeleting    SnapshotState = "deleting"
	SnapshotFailed      SnapshotState = "failed" // resting; it was never taken
)

// Snapshot is what the disks of an instance held at one moment. It lives inside the disks: those that go, or start again from an image, take their part along, and
// one that has lost all its disks goes itself. While it is there it takes room on its host for all that may differ.
type Snapshot struct {
	bun.BaseModel `bun:"table:snapshots,alias:snapshot"`

	UID          string        `bun:"uid,pk"`
	Slug         string        `bun:"slug"`
	Account      string        `bun:"account"`
	Site         string        `bun:"site"`
	Host         string        `bun:"host"`
	Name         string        `bun:"name"`
	Instance     string        `bun:"instance"` // UID; it may be gone since
	Handle       string        `bun:"handle"`
	InstanceName string        `bun:"instance_name"`
	Image        string        `bun:"image"`        // UID of the one that the system disk had been made of
	CustomImage  string        `bun:"custom_image"` // UID of the one that was made of it
	State        SnapshotState `bun:"state"`
	Wanted       int64         `bun:"wanted"`
	Seen         int64         `bun:"seen"`
	Phase        spec.Phase    `bun:"phase"`
	Trouble      string        `bun:"trouble"` // what the host could not do; for operators
	Error        string        `bun:"error"`   // why it failed, or the last rolling back; public
	Created      store.Time    `bun:"created"`

	Disks []*SnapshotDisk `bun:"-"` // the system disk first
}

// SnapshotDisk is a snapshot's part in one disk.
type SnapshotDisk struct {
	bun.BaseModel `bun:"table:snapshot_disks,alias:disk"`

	UID        string `bun:"uid,pk"`
	Slug       string `bun:"slug"`
	Snapshot   string `bun:"snapshot"`
	Volume     string `bun:"volume"` // UID
	VolumeSlug string `bun:"volume_slug"`
	Role       Role   `bun:"role"`
	GiB        int64  `bun:"gib"` // as the disk had them then
	Position   int    `bun:"position"`
}

// GiB is the size of all disks together.
func (s *Snapshot) GiB() (sum int64) {
	for _, d := range s.Disks {
		sum += d.GiB
	}
	return sum
}

func (s *Snapshot) body() spec.Snapshot {
	body := spec.Snapshot{UID: s.UID}
	for _, d := range s.Disks {
		body.Volumes = append(body.Volumes, d.Volume)
	}
	return body
}

// snapshotName is BEC's rule (insnapshot/create): letters, digits, Chinese and -_ /. beginning with a letter.
var snapshotName = regexp.MustCompile(`^[A-Za-z\p{Han}][A-Za-z0-9\p{Han}_ /.-]{0,64}$`)

// CheckSnapshotName holds a snapshot's name to its form.
func CheckSnapshotName(name string) error {
	if !snapshotName.MatchString(name) {
		return fault.BadField("name", "must have 1 to 65 letters, digits, Chinese characters or -_ /. and begin with a letter")
	}
	return nil
}

// onCloud tells whether a disk is one of the cloud's storage, and not one of its machine's own.
func (v *Volume) onCloud() bool {
	switch v.Storage {
	case "NVME", "SATA", "HDD_PASSTHROUGH", "SSD_PASSTHROUGH":
		return false
	}
	return v.Role != Local
}

// Snap begins to take a snapshot of an instance's disks, inside the change that keeps the instance still until the snapshot is no longer creating.
func Snap(ctx context.Context, tx *store.Tx, s *Snapshot, disks []*Volume) error {
	var gib int64
	for k, v := range disks {
		if !v.onCloud() {
			return fault.Conflicting(SnapshotKind, s.Handle, "Only instances whose disks are all cloud disks (CDS) can be given a snapshot; the disk %s is %s.", v.Slug, v.Storage)
		}
		if v.Phase != spec.Applied {
			return fault.Conflicting("volume", v.Slug, "The disk %s is not ready.", v.Slug)
		}
		gib += v.GiB
		s.Disks = append(s.Disks, &SnapshotDisk{UID: tx.NewUID(), Slug: tx.NewSlug(), Snapshot: s.UID, Volume: v.UID, VolumeSlug: v.Slug, Role: v.Role, GiB: v.GiB, Position: k})
	}
	if err := quota.Count(ctx, tx, s.Account, quota.Change{Name: quota.Snapshots, Delta: 1}); err != nil {
		return err
	}
	if err := place.Change(ctx, tx, s.Host, place.Demand{}, place.Demand{DiskGiB: gib}); err != nil {
		return err
	}
	wanted, err := link.Put(ctx, tx, spec.HostTarget(s.Host), spec.KindSnapshot, s.UID, s.body())
	if err != nil {
		return fmt.Errorf("put snapshot: %w", err)
	}
	s.State, s.Wanted, s.Phase, s.Created = SnapshotCreating, wanted, spec.Pending, tx.Time()
	if _, err := tx.NewInsert().Model(s).Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(&s.Disks).Exec(ctx); err != nil {
		return err
	}
	return work.Wake(ctx, tx, SnapshotKind, s.UID)
}

// SnapshotFilter narrows a list of snapshots. Empty fields match any.
type SnapshotFilter struct {
	ID       string // UID or slug
	Name     string // part of it
	Instance string // UID or handle
	Disk     string // UID or slug of one of its disks' parts
}

// ListSnapshots gives a page of the caller's snapshots, newest first, with the total.
func ListSnapshots(ctx context.Context, tx *store.Tx, caller *identity.Caller, f SnapshotFilter, p store.Page) (found []*Snapshot, total int, err error) {
	q := tx.NewSelect().Model((*Snapshot)(nil)).Where("account = ?", caller.Account).Order("uid DESC")
	if f.ID != "" {
		q = q.Where("uid = ? OR slug = ?", f.ID, f.ID)
	}
	if f.Name != "" {
		q = q.Where("name LIKE ? ESCAPE '!'", store.Contains(f.Name))
	}
	if f.Instance != "" {
		q = q.Where("instance = ? OR handle = ?", f.Instance, f.Instance)
	}
	if f.Disk != "" {
		q = q.Where("uid IN (SELECT d.snapshot FROM snapshot_disks AS d WHERE d.uid = ? OR d.slug = ?)", f.Disk, f.Disk)
	}
	found, total, err = store.List[*Snapshot](ctx, q, p)
	if err != nil {
		return nil, 0, err
	}
	return found, total, addDisks(ctx, tx, found)
}

func addDisks(ctx context.Context, tx *store.Tx, all []*Snapshot) error {
	if len(all) == 0 {
		return nil
	}
	byUID, uids := map[string]*Snapshot{}, make([]string, len(all))
	for k, s := range all {
		uids[k], byUID[s.UID], s.Disks = s.UID, s, nil
	}
	var disks []*SnapshotDisk
	if err := tx.NewSelect().Model(&disks).Where("snapshot IN (?)", bun.In(uids)).Order("snapshot", "position").Scan(ctx); err != nil {
		return err
	}
	for _, d := range disks {
		byUID[d.Snapshot].Disks = append(byUID[d.Snapshot].Disks, d)
	}
	return nil
}

// FindSnapshot finds one of the caller's snapshots by UID or slug.
func FindSnapshot(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Snapshot, error) {
	s := new(Snapshot)
	err := tx.NewSelect().Model(s).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing(SnapshotKind, id)
	}
	if err != nil {
		return nil, err
	}
	return s, addDisks(ctx, tx, []*Snapshot{s})
}

// FindSnapshotDisk finds a snapshot's part in one disk by UID or slug, with the whole snapshot.
func FindSnapshotDisk(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Snapshot, *SnapshotDisk, error) {
	d := new(SnapshotDisk)
	err := tx.NewSelect().Model(d).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, nil, fault.Missing(SnapshotKind, id)
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := FindSnapshot(ctx, tx, caller, d.Snapshot)
	if fault.Is(err, fault.NotFound) {
		return nil, nil, fault.Missing(SnapshotKind, id) // not the whole one's UID, which who asks may not know
	}
	return s, d, err
}

// Ready refuses what can only be done with a snapshot that was taken and is at rest.
func (s *Snapshot) Ready(verb string) error {
	if s.State == SnapshotCreated {
		return nil
	}
	return fault.Conflicting(SnapshotKind, s.Slug, "The snapshot %s is %s; it cannot be %s now.", s.Name, s.State, verb)
}

// InSnapshot tells which volumes a snapshot is being taken of, or are being rolled back to one.
func InSnapshot(ctx context.Context, tx *store.Tx, volumes []string) (map[string]bool, error) {
	busy := map[string]bool{}
	if len(volumes) == 0 {
		return busy, nil
	}
	var uids []string
	err := tx.NewRaw(`SELECT d.volume FROM snapshot_disks AS d JOIN snapshots AS s ON s.uid = d.snapshot WHERE d.volume IN (?) AND s.state = ?
		UNION SELECT uid FROM volumes WHERE uid IN (?) AND rollback_to <> ''`, bun.In(volumes), SnapshotCreating, bun.In(volumes)).Scan(ctx, &uids)
	for _, uid := range uids {
		busy[uid] = true
	}
	return busy, err
}

// SnapshotsUnderWay tells whether an instance has to wait for one of its snapshots to be taken or rolled back to.
func SnapshotsUnderWay(ctx context.Context, tx *store.Tx, instance string) (bool, error) {
	return tx.NewSelect().Model((*Snapshot)(nil)).Where("instance = ? AND state IN (?)", instance, bun.In([]SnapshotState{SnapshotCreating, SnapshotRollingBack})).Exists(ctx)
}

// Imaged notes the image that is made of a snapshot, in place of the one that is known; another that came between is a conflict.
func (s *Snapshot) Imaged(ctx context.Context, tx *store.Tx, image string) error {
	res, err := tx.NewUpdate().Model(s).Set("custom_image = ?", image).Where("uid = ? AND custom_image = ?", s.UID, s.CustomImage).Exec(ctx)
	if err != nil {
		return err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return fault.Conflicting(SnapshotKind, s.Slug, "An image of the snapshot %s is being made already.", s.Name)
	}
	s.CustomImage = image
	return nil
}
