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

// Volume is a disk.
type Volume struct {
	bun.BaseModel `bun:"table:volumes,alias:vol"`

	UID       string     `bun:"uid,pk"`
	Slug      string     `bun:"slug"`
	Account   string     `bun:"account"`
	Site      string     `bun:"site"`
	Host      string     `bun:"host"`
	Name      string     `bun:"name"`
	Role      Role       `bun:"role"`
	Storage   string     `bun:"storage"` // NVME, SATA, CDS_SSD, ...: as the caller chose
	GiB       int64      `bun:"gib"`
	File      string     `bun:"file"`  // UID of the image file it starts from; empty is blank
	Epoch     int64      `bun:"epoch"` // grows with each reinstall
	Instance  string     `bun:"instance"`
	Position  int        `bun:"position"` // 0 is the system disk
	Wanted    int64      `bun:"wanted"`   // generation of its spec
	Seen      int64      `bun:"seen"`     // generation that the host has reported on
	SeenEpoch int64      `bun:"seen_epoch"`
	UsedBytes int64      `bun:"used_bytes"`
	Phase     spec.Phase `bun:"phase"`
	Error     string     `bun:"error"`
	Created   store.Time `bun:"created"`
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
)
