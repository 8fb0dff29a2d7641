package spec

import (
	"encoding/json"
	"time"
)

// Phase is how far an agent has come with one spec.
type Phase string

// The phases. Gone answers a tombstone: nothing of the thing is left on the host or site.
const (
	Pending Phase = "pending"
	Applied Phase = "applied"
	Failed  Phase = "failed"
	Gone    Phase = "gone"
	Orphan  Phase = "orphan" // found in an engine, known to no spec: reported, never touched
)

// Report is what an agent found of one thing. Seq is the host's own number: a report with a lower one than seen is stale and ignored.
type Report struct {
	Host       string          `json:"host"`
	Seq        int64           `json:"seq"`
	Kind       string          `json:"kind"`
	UID        string          `json:"uid"`
	Generation int64           `json:"generation"` // of the spec that this speaks of
	Phase      Phase           `json:"phase"`
	Refused    int64           `json:"refused,omitempty"` // generation that the host's ledger refused because it has Generation, or other content
	Error      string          `json:"error,omitempty"`   // for operators
	Facts      json.RawMessage `json:"facts,omitempty"`   // InstanceFacts, VolumeFacts, ... by kind
	At         time.Time       `json:"at"`                // the host's clock
}

// InstanceFacts is what is true of an instance on its host.
type InstanceFacts struct {
	Power    Power     `json:"power"`
	Since    time.Time `json:"since,omitzero"` // of Power
	Crashed  bool      `json:"crashed,omitempty"`
	Restart  int64     `json:"restart,omitempty"`  // the restart epoch that was carried out
	Password int64     `json:"password,omitempty"` // the password epoch that was carried out
	Epoch    int64     `json:"epoch,omitempty"`    // the first-boot epoch that was carried out
	// Ready tells that the guest agent answers. Not every guest has one.
	Ready bool `json:"ready,omitempty"`
}

// VolumeFacts is what is true of a volume on its host.
type VolumeFacts struct {
	Bytes     int64 `json:"bytes"`
	UsedBytes int64 `json:"used_bytes"`
	Epoch     int64 `json:"epoch,omitempty"`
	RollBack  int64 `json:"roll_back,omitempty"` // the rollback epoch that was carried out
}

// ImageFacts is what is true of an image that a host made of a volume.
type ImageFacts struct {
	Bytes  int64  `json:"bytes"`  // of the file
	SHA256 string `json:"sha256"` // of the file, hex
}

// HostFacts is sent with every heartbeat.
type HostFacts struct {
	Name         string `json:"name"`
	Version      string `json:"version"`
	VCPUs        int    `json:"vcpus"`
	MemoryMiB    int64  `json:"memory_mib"`
	DiskBytes    int64  `json:"disk_bytes"`
	DiskFree     int64  `json:"disk_free"`
	KVM          bool   `json:"kvm"`
	Architecture string `json:"architecture"`
	Underlay     string `json:"underlay,omitempty"` // address of its tunnels
	// SiteRole tells that this agent holds its site's role now.
	SiteRole bool `json:"site_role,omitempty"`
}
