package libvirt

import (
	"context"
	"encoding/xml"
	"slices"

	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"
)

// pluggable is a device that can come and go while its machine runs. Two are the same if their keys are.
type pluggable struct {
	key    string
	device interface{ Marshal() (string, error) }
}

// diskKey begins the keys of disks.
const diskKey = "disk "

// pluggables are the disks but the first, and the NICs.
func pluggables(d libvirtxml.Domain) []pluggable {
	var all []pluggable
	for _, disk := range d.Devices.Disks {
		if disk.Device == "disk" && disk.Target.Dev != diskName(0) {
			all = append(all, pluggable{diskKey + disk.Serial + " " + sourcePath(disk), &disk})
		}
	}
	for _, nic := range d.Devices.Interfaces {
		all = append(all, pluggable{"nic " + nicKey(nic), &nic})
	}
	return all
}

func sourcePath(disk libvirtxml.DomainDisk) string {
	switch {
	case disk.Source == nil:
		return ""
	case disk.Source.File != nil:
		return disk.Source.File.File
	case disk.Source.Block != nil:
		return disk.Source.Block.Dev
	}
	return ""
}

func nicKey(nic libvirtxml.DomainInterface) string {
	key := ""
	if nic.MAC != nil {
		key = nic.MAC.Address
	}
	if nic.VirtualPort != nil && nic.VirtualPort.Params != nil && nic.VirtualPort.Params.OpenVSwitch != nil {
		key += " " + nic.VirtualPort.Params.OpenVSwitch.InterfaceID
	}
	return key
}

func keys(all []pluggable) []string {
	found := make([]string, len(all))
	for i, p := range all {
		found[i] = p.key
	}
	slices.Sort(found)
	return found
}

// missing are those of a that are not in b.
func missing(a, b []pluggable) []pluggable {
	return slices.DeleteFunc(slices.Clone(a), func(p pluggable) bool {
		return slices.ContainsFunc(b, func(q pluggable) bool { return p.key == q.key })
	})
}

// plug makes what runs have the disks and NICs that are wanted. What cannot be plugged now is no error: it shows as drift and comes at the next start.
func (e *Engine) plug(ctx context.Context, d golibvirt.Domain, want libvirtxml.Domain) error {
	return e.call(ctx, func(l *golibvirt.Libvirt) error {
		live, err := readDomain(l, d, 0)
		if err != nil || live.ID == nil {
			return err
		}
		have, wanted := pluggables(live), pluggables(want)
		for _, p := range missing(have, wanted) {
			e.change(d, "unplug", p, func(text string) error {
				return l.DomainDetachDeviceFlags(d, text, uint32(golibvirt.DomainAffectLive))
			})
		}
		for _, p := range missing(wanted, have) {
			place(p, &live)
			e.change(d, "plug", p, func(text string) error {
				return l.DomainAttachDeviceFlags(d, text, uint32(golibvirt.DomainAffectLive))
			})
		}
		return nil
	})
}

func (e *Engine) change(d golibvirt.Domain, what string, p pluggable, do func(text string) error) {
	text, err := p.device.Marshal()
	if err == nil {
		err = do(text)
	}
	if err != nil {
		e.log.Warn("not now, at the next start", "machine", d.Name, "change", what, "device", p.key, "error", err)
	}
}

// place gives a device a free place on the machine that runs. A disk's may differ from its place after the next start; a NIC's only if a NIC that its guest has
// not let go of yet is still there.
func place(p pluggable, live *libvirtxml.Domain) {
	switch device := p.device.(type) {
	case *libvirtxml.DomainInterface:
		if slices.ContainsFunc(live.Devices.Interfaces, func(o libvirtxml.DomainInterface) bool { return slotOf(o) == slotOf(*device) }) {
			device.Address = nil
		}
	case *libvirtxml.DomainDisk:
		for i := 1; ; i++ {
			device.Target.Dev = diskName(i)
			if !slices.ContainsFunc(live.Devices.Disks, func(o libvirtxml.DomainDisk) bool { return o.Target != nil && o.Target.Dev == device.Target.Dev }) {
				break
			}
		}
		live.Devices.Disks = append(live.Devices.Disks, *device)
	}
}

// slotOf tells a NIC's slot on the bus; 0, which is the bridge's own, if it has none yet.
func slotOf(nic libvirtxml.DomainInterface) uint {
	if nic.Address == nil || nic.Address.PCI == nil || nic.Address.PCI.Slot == nil {
		return 0
	}
	return *nic.Address.PCI.Slot
}

// readDomain reads what is defined (golibvirt.DomainXMLInactive) or what runs (0).
func readDomain(l *golibvirt.Libvirt, d golibvirt.Domain, flags golibvirt.DomainXMLFlags) (libvirtxml.Domain, error) {
	var domain libvirtxml.Domain
	text, err := l.DomainGetXMLDesc(d, flags)
	if err != nil {
		return domain, err
	}
	err = xml.Unmarshal([]byte(text), &domain)
	if domain.Devices == nil {
		domain.Devices = &libvirtxml.DomainDeviceList{}
	}
	return domain, err
}

// GrowDisk makes a disk larger that a running machine has open: its guest sees the new size at once. It tells false if no machine runs on it.
func (e *Engine) GrowDisk(ctx context.Context, path string, bytes int64) (bool, error) {
	return query(ctx, e, func(l *golibvirt.Libvirt) (bool, error) {
		domains, _, err := l.ConnectListAllDomains(1, golibvirt.ConnectListDomainsActive)
		if err != nil {
			return false, err
		}
		for _, d := range domains {
			live, err := readDomain(l, d, 0)
			if isCode(err, golibvirt.ErrNoDomain) {
				continue
			}
			if err != nil {
				return false, err
			}
			if slices.ContainsFunc(live.Devices.Disks, func(disk libvirtxml.DomainDisk) bool { return sourcePath(disk) == path }) {
				return true, l.DomainBlockResize(d, path, uint64(bytes), golibvirt.DomainBlockResizeBytes)
			}
		}
		return false, nil
	})
}
