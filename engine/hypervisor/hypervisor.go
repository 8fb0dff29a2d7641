package hypervisor

import (
	"context"
	"errors"
	"net"
	"time"

	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

// Faults that callers tell apart; everything else is the engine's own trouble and worth a retry.
var (
	ErrAbsent      = errors.New("hypervisor: no such machine")
	ErrNotRunning  = errors.New("hypervisor: machine is not running")
	ErrNoGuestTool = errors.New("hypervisor: the guest's agent does not answer")
)

// Machine is an instance with all that it needs to start, resolved on this host.
type Machine struct {
	spec.Instance
	// Disks are the sources of Instance.Volumes, in the same order.
	Disks []Disk
	// Seed is a NoCloud image (ISO 9660) that the guest reads at boot; nil for none.
	Seed []byte
}

// Disk is a volume as the machine sees it: its serial is the first 20 characters of the volume's UID without dashes.
type Disk struct {
	Volume string
	disk.Source
}

// State is what the engine says of a machine.
type State struct {
	UID     string
	Power   spec.Power
	Crashed bool      // it went off by itself, not by its guest's or our wish
	Since   time.Time // of Power; zero if the engine does not know
	// Drifted tells that the machine that runs differs from what is defined (it takes effect at the next start).
	Drifted bool
	// Held tells that a disk which was taken away is still there: the guest of the machine has not let go of it.
	Held bool
}

// Hypervisor is the engine's interface. All methods are safe for concurrent use on different machines; the agent calls at most one at a time per machine.
type Hypervisor interface {
	// Define makes the machine known, or changes what is known, without starting or stopping it. Defining the same again does nothing. On a running
	// machine, added and removed disks and NICs take effect at once where the engine can (hot plug), the rest at the next start.
	Define(ctx context.Context, m Machine) error
	// Start powers the machine on. It is no error when it runs already. ErrAbsent if it was never defined.
	Start(ctx context.Context, uid string) error
	// Stop powers the machine off and returns when it is off. It asks the guest first and pulls the plug after grace; grace 0 pulls at once. It is no
	// error when the machine is off or absent.
	Stop(ctx context.Context, uid string, grace time.Duration) error
	// Restart reboots a running machine: asks the guest, and resets it after grace; grace 0 resets at once. ErrNotRunning if it is off.
	Restart(ctx context.Context, uid string, grace time.Duration) error
	// Remove powers the machine off and forgets it and its seed. Its disks stay. It is no error when the machine is absent.
	Remove(ctx context.Context, uid string) error
	// Get tells one machine's state; ErrAbsent if there is none.
	Get(ctx context.Context, uid string) (State, error)
	// List tells the state of every machine that this engine made, and of no other.
	List(ctx context.Context) ([]State, error)
	// SetPassword sets a user's password inside the running guest from a crypt(3) hash. ErrNotRunning, ErrNoGuestTool.
	SetPassword(ctx context.Context, uid, user, hash string) error
	// Console opens the machine's screen: a stream that speaks RFB (VNC) without authentication. ErrNotRunning.
	Console(ctx context.Context, uid string) (net.Conn, error)
	// Watch sends the UID of a machine whose state changed by itself, until ctx ends. It may send too much and, after a break, too little: List is the truth.
	Watch(ctx context.Context) (<-chan string, error)
	// Capacity tells what the host has in total.
	Capacity(ctx context.Context) (Capacity, error)
	// Usage tells what every machine that this engine made has used, those that are off too.
	Usage(ctx context.Context) ([]Usage, error)
	// Close frees connections. Machines run on.
	Close() error
}

// Capacity is a host's total.
type Capacity struct {
	VCPUs     int
	MemoryMiB int64
	KVM       bool // probed with a real guest, not assumed from /dev/kvm
	Arch      string
}

// Usage is what one machine has used since it was started: counters that begin anew with every start. One that is off uses nothing, and all but the totals are 0.
type Usage struct {
	UID         string
	VCPUs       int           // total
	CPU         time.Duration // of all its processors together
	MemoryBytes int64         // total
	MemoryUsed  int64         // now: what the guest has not free, or what it takes of the host if the guest does not tell
	Disk        DiskUsage     // of all its disks
	NICs        []NICUsage
}

// DiskUsage counts what a machine has read and written.
type DiskUsage struct {
	ReadBytes, WriteBytes int64
	Reads, Writes         int64
}

// NICUsage counts what the guest has received and sent on one NIC.
type NICUsage struct {
	Port              string // UID
	InBytes, OutBytes int64
	In, Out           int64 // packets
}
