package hypervisor

import (
	"net"
	"strings"

	"github.com/google/uuid"

	"edgecloud/fault"
)

// Limits of one machine, set by the slots of the virtual mainboard.
const (
	MaxDisks = 16
	MaxNICs  = 8
)

// Check refuses a machine that no hypervisor could run, as a fault.Invalid that names the field.
func Check(m Machine) error {
	if err := checkUUID("uid", m.UID); err != nil {
		return err
	}
	if m.Name == "" {
		return fault.BadField("name", "must not be empty")
	}
	if m.VCPUs < 1 || m.VCPUs > 255 {
		return fault.BadField("vcpus", "must be 1 to 255, not %d", m.VCPUs)
	}
	if m.MemoryMiB < 1 || m.MemoryMiB > 1<<34 {
		return fault.BadField("memory_mib", "must be 1 to %d, not %d", int64(1<<34), m.MemoryMiB)
	}
	if err := checkDisks(m); err != nil {
		return err
	}
	return checkNICs(m)
}

func checkDisks(m Machine) error {
	if len(m.Disks) == 0 || len(m.Disks) > MaxDisks || len(m.Disks) != len(m.Volumes) {
		return fault.BadField("volumes", "1 to %d are needed and each has a source: %d with %d sources", MaxDisks, len(m.Volumes), len(m.Disks))
	}
	seen := map[string]bool{}
	for _, d := range m.Disks {
		if err := checkUUID("volumes", d.Volume); err != nil {
			return err
		}
		if seen[d.Volume] {
			return fault.BadField("volumes", "%s is there twice", d.Volume)
		}
		seen[d.Volume] = true
		if !strings.HasPrefix(d.Path, "/") || (d.Format != "qcow2" && d.Format != "raw") {
			return fault.BadField("volumes", "%s has the source %q of format %q", d.Volume, d.Path, d.Format)
		}
	}
	return nil
}

func checkNICs(m Machine) error {
	if len(m.NICs) > MaxNICs {
		return fault.BadField("nics", "at most %d, not %d", MaxNICs, len(m.NICs))
	}
	seen, slots := map[string]bool{}, map[int]bool{}
	for _, n := range m.NICs {
		if n.Slot < 0 || n.Slot >= MaxNICs || slots[n.Slot] {
			return fault.BadField("nics.slot", "must be 0 to %d and no other's, not %d", MaxNICs-1, n.Slot)
		}
		slots[n.Slot] = true
		mac, err := net.ParseMAC(n.MAC)
		if err != nil || len(mac) != 6 || mac[0]&1 != 0 || mac.String() != n.MAC {
			return fault.BadField("nics.mac", "%q is not a unicast MAC address in lower case", n.MAC)
		}
		if err := checkUUID("nics.port", n.Port); err != nil {
			return err
		}
		if seen[n.MAC] || seen[n.Port] {
			return fault.BadField("nics", "MAC %s or port %s is there twice", n.MAC, n.Port)
		}
		seen[n.MAC], seen[n.Port] = true, true
		if n.MTU != 0 && (n.MTU < 68 || n.MTU > 65535) {
			return fault.BadField("nics.mtu", "must be 68 to 65535, not %d", n.MTU)
		}
	}
	return nil
}

func checkUUID(field, uid string) error {
	id, err := uuid.Parse(uid)
	if err != nil || id.String() != uid {
		return fault.BadField(field, "%q is not a UUID in lower case", uid)
	}
	return nil
}

// Serial is what a disk shows to its guest: the first 20 characters of the volume's UID without dashes (virtio-blk carries no more).
func (d Disk) Serial() string {
	plain := strings.ReplaceAll(d.Volume, "-", "")
	return plain[:min(20, len(plain))]
}
