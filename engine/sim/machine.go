package sim

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"time"

	"edgecloud/engine/hypervisor"
	"edgecloud/link/spec"
)

// machine is what one virtual machine takes in memory: compact, since there may be 100,000 of them. Times are Unix nanoseconds; 0 is not known or never.
type machine struct {
	UID      string `json:"-"`
	Name     string `json:"name"`
	Hostname string `json:"hostname,omitempty"`
	Disks    []mdisk
	NICs     []nic  `json:",omitempty"`
	Seed     uint64 `json:",omitempty"` // hash of the seed image; 0: none
	Memory   int64
	VCPUs    int32

	On      bool   `json:",omitempty"`
	Crashed bool   `json:",omitempty"`
	Dumb    bool   `json:",omitempty"` // its guest agent never answers in this run
	Boots   uint32 `json:",omitempty"`
	Since   int64  `json:",omitempty"` // of On
	ReadyAt int64  `json:",omitempty"` // when the guest listens
	OffAt   int64  `json:",omitempty"` // when a guest that is shutting down will be off
	DownBad bool   `json:",omitempty"` // OffAt is a crash

	RunMemory int64  `json:",omitempty"` // what the running machine has
	RunVCPUs  int32  `json:",omitempty"`
	SysEpoch  int64  `json:",omitempty"` // of the system disk at the last start: another one is another inside
	RunSeed   uint64 `json:",omitempty"` // the seed that the guest read

	Passwords []Credential `json:",omitempty"`
}

// mdisk is a disk as defined: a volume of the host's pool, or a path of somebody else's.
type mdisk struct {
	Volume string
	Epoch  int64  `json:",omitempty"`
	Path   string `json:",omitempty"` // only if it is no simulated volume
}

type nic struct {
	Port      string
	MAC       string
	Addresses []netip.Addr `json:",omitempty"`
}

// Credential is a password that was set through the guest agent.
type Credential struct {
	User string
	Hash string // crypt(3)
}

var machineUID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func checkMachine(m hypervisor.Machine) error {
	switch {
	case !machineUID.MatchString(m.UID):
		return badField("machine", m.UID, "uid", "not a UID")
	case m.Name == "":
		return badField("machine", m.UID, "name", "is empty")
	case m.VCPUs <= 0 || m.VCPUs > 4096:
		return badField("machine", m.UID, "vcpus", "%d is not in 1 to 4096", m.VCPUs)
	case m.MemoryMiB <= 0:
		return badField("machine", m.UID, "memory_mib", "%d is not positive", m.MemoryMiB)
	case len(m.Disks) == 0:
		return badField("machine", m.UID, "volumes", "there is no disk to boot from")
	case len(m.Disks) != len(m.Volumes):
		return badField("machine", m.UID, "volumes", "%d volumes and %d disks", len(m.Volumes), len(m.Disks))
	}
	for i, d := range m.Disks {
		if d.Path == "" {
			return badField("machine", m.UID, fmt.Sprintf("volumes[%d]", i), "has no path")
		}
	}
	slots := map[int]bool{}
	for i, n := range m.NICs {
		if n.Slot < 0 || n.Slot >= hypervisor.MaxNICs || slots[n.Slot] {
			return badField("machine", m.UID, fmt.Sprintf("nics[%d].slot", i), "%d is out of range or another's", n.Slot)
		}
		slots[n.Slot] = true
		if n.Port == "" {
			return badField("machine", m.UID, fmt.Sprintf("nics[%d].port", i), "is empty")
		}
		if mac, err := net.ParseMAC(n.MAC); err != nil || len(mac) != 6 || mac.String() != n.MAC {
			return badField("machine", m.UID, fmt.Sprintf("nics[%d].mac", i), "%q is not an address in lower case with colons", n.MAC)
		}
	}
	return nil
}

// shape takes over what is defined; the rest of the machine stays.
func (m *machine) shape(want hypervisor.Machine) {
	m.Name, m.Hostname = want.Name, want.Guest.Hostname
	m.VCPUs, m.Memory = int32(want.VCPUs), want.MemoryMiB
	m.Disks = make([]mdisk, len(want.Disks))
	for i, d := range want.Disks {
		m.Disks[i] = mdisk{Volume: d.Volume, Path: d.Path}
		if uid, epoch, ok := parsePath(d.Path); ok {
			m.Disks[i] = mdisk{Volume: uid, Epoch: epoch}
		}
	}
	m.NICs = make([]nic, len(want.NICs))
	for i, n := range want.NICs {
		m.NICs[i] = nic{Port: n.Port, MAC: n.MAC}
		for _, a := range n.Addresses {
			m.NICs[i].Addresses = append(m.NICs[i].Addresses, a.Addr())
		}
	}
	m.Seed = 0
	if want.Seed != nil {
		m.Seed = hashString(string(want.Seed)) | 1
	}
}

func (m *machine) same(o *machine) bool {
	return m.Name == o.Name && m.Hostname == o.Hostname && m.VCPUs == o.VCPUs && m.Memory == o.Memory && m.Seed == o.Seed && slices.Equal(m.Disks, o.Disks) &&
		slices.EqualFunc(m.NICs, o.NICs, func(a, b nic) bool {
			return a.Port == b.Port && a.MAC == b.MAC && slices.Equal(a.Addresses, b.Addresses)
		})
}

// hasDisks tells which of the machine's disks is not there.
func (m *machine) hasDisks(p *pool) error {
	for _, d := range m.Disks {
		if d.Path != "" {
			if _, err := os.Stat(d.Path); err != nil {
				return fmt.Errorf("sim: machine %s: disk %s: %w", m.UID, d.Volume, err)
			}
			continue
		}
		if !p.holds(d.Volume, d.Epoch) {
			return fmt.Errorf("sim: machine %s: disk %s: epoch %d is not in the pool", m.UID, d.Volume, d.Epoch)
		}
	}
	return nil
}

func (m *machine) state() hypervisor.State {
	s := hypervisor.State{UID: m.UID, Power: spec.Off, Crashed: m.Crashed}
	if m.Since != 0 {
		s.Since = time.Unix(0, m.Since)
	}
	if m.On {
		s.Power = spec.On
		s.Drifted = m.VCPUs != m.RunVCPUs || m.Memory != m.RunMemory
	}
	return s
}

// ready tells whether the guest listens to requests.
func (m *machine) ready(now int64) bool { return m.On && !m.Dumb && now >= m.ReadyAt }
