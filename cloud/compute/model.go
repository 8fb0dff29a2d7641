package compute

import (
	"github.com/uptrace/bun"

	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Kind is the kind of instances in work rows, operations and audit records.
const Kind = "instance"

// State is where an instance is in its life. Dialects map it to their own words.
type State string

// The states. A resting state lasts until a verb or a report moves the instance on.
const (
	Creating   State = "creating"
	Starting   State = "starting"
	Running    State = "running" // resting
	Stopping   State = "stopping"
	Stopped    State = "stopped" // resting
	Restarting State = "restarting"
	// Reinstalling is stop, new disks, start.
	ReinstallStopping State = "reinstall-stopping"
	ReinstallDisks    State = "reinstall-disks"
	ReinstallStarting State = "reinstall-starting"
	// Resizing is stop, new size, and start if it ran.
	ResizeStopping State = "resize-stopping"
	ResizeStarting State = "resize-starting"
	Amending       State = "amending" // a change of one that is off
	Rewiring       State = "rewiring" // NICs of one that runs come and go
	// Password sets a new login inside the running guest, and then restarts it.
	Password State = "password"
	// Imaging is an instance that is off and whose system disk an image is being made of.
	Imaging State = "imaging"
	// Snapshotting is an instance, on or off, whose disks a snapshot is being taken of; RollingBack one that is off and whose disks are put back to one.
	Snapshotting State = "snapshotting"
	RollingBack  State = "rolling-back"
	Deleting     State = "deleting"
	Failed       State = "failed" // resting; Error says why
)

// Group is instances that are managed together over sites (VM service).
type Group struct {
	bun.BaseModel `bun:"table:groups,alias:grp"`

	UID     string       `bun:"uid,pk"`
	Slug    string       `bun:"slug"`
	Account string       `bun:"account"`
	Name    string       `bun:"name"`
	Payment Payment      `bun:"payment"`
	Mbps    int64        `bun:"mbps"` // what new instances get
	Tags    network.Tags `bun:"tags"`
	Doomed  bool         `bun:"doomed"`  // it goes with its last instance
	Watcher string       `bun:"watcher"` // kind of the work with its UID that is woken when an instance of it has been made, has failed at that or is gone; empty for none
	Created store.Time   `bun:"created"`
}

// Payment says how an instance is paid.
type Payment string

// The ways to pay.
const (
	Postpaid Payment = "postpaid"
	Prepaid  Payment = "prepaid"
)

// Instance is a virtual machine. Columns from Seen on belong to the host's reports; the rest to verbs and the life cycle.
type Instance struct {
	bun.BaseModel `bun:"table:instances,alias:i"`

	UID         string `bun:"uid,pk"`
	Slug        string `bun:"slug"`
	Handle      string `bun:"handle"` // a longer name, unique: group's slug, site's name, five characters
	Account     string `bun:"account"`
	Group       string `bun:"grp"`
	Site        string `bun:"site"`
	Host        string `bun:"host"`
	Name        string `bun:"name"`
	Hostname    string `bun:"hostname"`
	Description string `bun:"description"`

	Flavor    string `bun:"flavor"` // name; empty if processors and memory were chosen freely
	VCPUs     int64  `bun:"vcpus"`
	MemoryMiB int64  `bun:"memory_mib"`
	DiskGiB   int64  `bun:"disk_gib"` // of all its volumes on its host
	Image     string `bun:"image"`    // UID in the catalogue, where it may be gone since
	ImageFile string `bun:"image_file"`
	LoginUser string `bun:"login_user"`

	Mbps      int64        `bun:"mbps"` // of its public addresses, each way; 0 if it has none
	Payment   Payment      `bun:"payment"`
	Months    int64        `bun:"months"` // prepaid term
	AutoRenew bool         `bun:"auto_renew"`
	Expires   store.Time   `bun:"expires"`
	Tags      network.Tags `bun:"tags"`

	Keys         store.JSON[[]string] `bun:"keys"`          // UIDs of key pairs
	PasswordHash string               `bun:"password_hash"` // crypt(3) SHA-512
	UserData     string               `bun:"user_data"`     // base64

	State     State      `bun:"state"`
	Power     spec.Power `bun:"power"` // that the host is to bring about
	ForceOff  bool       `bun:"force_off"`
	Dirty     bool       `bun:"dirty"` // the specs are to be written again
	Restart   int64      `bun:"restart"`
	HardReset bool       `bun:"hard_reset"`
	Password  int64      `bun:"password"`
	Epoch     int64      `bun:"epoch"`
	Wanted    int64      `bun:"wanted"` // generation of its spec
	Error     string     `bun:"error"`  // why it failed; public

	Leaving store.JSON[[]string] `bun:"leaving"` // UIDs of ports that the guest is to lose
	Batch   string               `bun:"batch"`   // the same for all that one call made
	Nth     int64                `bun:"nth"`     // its number among them, from 0

	Seen         int64      `bun:"seen"`
	Phase        spec.Phase `bun:"phase"`
	SeenPower    spec.Power `bun:"seen_power"`
	SeenSince    store.Time `bun:"seen_since"`
	SeenRestart  int64      `bun:"seen_restart"`
	SeenPassword int64      `bun:"seen_password"`
	SeenEpoch    int64      `bun:"seen_epoch"`
	Crashed      bool       `bun:"crashed"`
	Trouble      string     `bun:"trouble"` // what the host could not do; for operators

	Created store.Time `bun:"created"`
	Changed store.Time `bun:"changed"`

	parts *parts // what hangs on it, while its life cycle works on it
}

// Demand is what the instance takes of its host.
func (i *Instance) Demand() place.Demand {
	return place.Demand{VCPUs: i.VCPUs, MemoryMiB: i.MemoryMiB, DiskGiB: i.DiskGiB}
}

// KeyPair is a public key that instances let in.
type KeyPair struct {
	bun.BaseModel `bun:"table:key_pairs,alias:kp"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Account     string     `bun:"account"`
	Owner       string     `bun:"owner"` // UID of the user who made it
	Name        string     `bun:"name"`
	PublicKey   string     `bun:"public_key"`  // an authorized_keys line
	Fingerprint string     `bun:"fingerprint"` // SHA256:...
	Created     store.Time `bun:"created"`
}
