package volume

import (
	"github.com/uptrace/bun"

	"edgecloud/link/spec"
	"edgecloud/store"
)

// Role of a volume.
type Role string

// The roles.
const (
	System Role = "system" // boots its instance and goes with it
	Local  Role = "local"  // data on the host's own disks: goes with its instance
	Cloud  Role = "cloud"  // data that can be detached and outlives its instance
)

// Hold is how an instance has a volume that stands alone.
type Hold string

// The holds. A volume that is made with its instance, and goes with it, has none.
const (
	Loose     Hold = "loose"
	Attaching Hold = "attaching"
	Attached  Hold = "attached"
	Detaching Hold = "detaching"
)

// Tag is a label of the caller's.
type Tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// Tags is a column of tags.
type Tags = store.JSON[[]Tag]

// Volume is a disk.
type Volume struct {
	bun.BaseModel `bun:"table:volumes,alias:vol"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Account     string     `bun:"account"`
	Site        string     `bun:"site"`
	Host        string     `bun:"host"` // where its data is; empty for one that stands alone and was on no instance yet
	Name        string     `bun:"name"`
	Description string     `bun:"description"`
	Tags        Tags       `bun:"tags"`
	Role        Role       `bun:"role"`
	Storage     string     `bun:"storage"` // NVME, SATA, CDS_SSD, ...: as the caller chose
	GiB         int64      `bun:"gib"`
	File        string     `bun:"file"`  // UID of the image file it starts from; empty is blank
	Epoch       int64      `bun:"epoch"` // grows with each reinstall
	Instance    string     `bun:"instance"`
	Hold        Hold       `bun:"hold"`     // empty unless it stands alone
	Doomed      bool       `bun:"doomed"`   // it goes when its host has confirmed
	Position    int        `bun:"position"` // 0 is the system disk
	Wanted      int64      `bun:"wanted"`   // generation of its spec
	Seen        int64      `bun:"seen"`     // generation that the host has reported on
	SeenEpoch   int64      `bun:"seen_epoch"`
	UsedBytes   int64      `bun:"used_bytes"`
	Phase       spec.Phase `bun:"phase"`
	Error       string     `bun:"error"`
	Created     store.Time `bun:"created"`

	OriginVolume   string `bun:"origin_volume"`   // UID of the one that it is a copy of, instead of File
	OriginSnapshot string `bun:"origin_snapshot"` // and of its snapshot; empty once the copy is made
	Rollback       int64  `bun:"rollback"`        // grows with each rolling back
	RollbackTo     string `bun:"rollback_to"`     // UID of the snapshot while it is under way
	SeenRollback   int64  `bun:"seen_rollback"`
}

// New says what a volume is to be.
type New struct {
	Name    string
	Role    Role
	Storage string
	GiB     int64
	File    string
}

// Limits of sizes in GiB (BEC console guide, lines 1240-1244; IEC 4.2.2 for the least data disk).
const (
	MinSystemGiB = 40
	MaxSystemGiB = 2000
	MinDataGiB   = 1
	MaxDataGiB   = 2000
	MinCloudGiB  = 50   // of one that stands alone (BEC 2.0 createVolumes)
	MaxCloudGiB  = 1000 // (BEC product guide, FAQ, line 62335)
)
