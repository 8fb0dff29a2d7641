package libvirt

import (
	"regexp"
	"strings"

	"libvirt.org/go/libvirtxml"

	"edgecloud/engine/hypervisor"
	"edgecloud/link/spec"
)

// The mainboard is QEMU's pc: under TCG it boots faster than q35, and disks and NICs can be plugged into its one bus while it runs.
const (
	machine = "pc"
	// firstNICSlot keeps a NIC's place on the bus, and so its name in the guest, when disks come and go. libvirt gives the lower slots to the rest.
	firstNICSlot = 0x17
)

var oddName = regexp.MustCompile(`[^0-9A-Za-z._-]+`)

// domainName is a domain's name for life: libvirt cannot rename what runs.
func domainName(m hypervisor.Machine) string {
	plain := oddName.ReplaceAllString(m.Name, "-")
	if plain == m.Name && len(plain) <= 60 {
		return "ec-" + plain
	}
	return "ec-" + plain[:min(40, len(plain))] + "-" + m.UID[len(m.UID)-12:]
}

// domain says in libvirt's words what the machine is, without its mark. seed is the path of its seed, or empty.
func (e *Engine) domain(m hypervisor.Machine, seed string) libvirtxml.Domain {
	d := libvirtxml.Domain{
		Type: "qemu", Name: domainName(m), UUID: m.UID, Title: oddTitle(m.Name),
		Memory:     &libvirtxml.DomainMemory{Value: uint(m.MemoryMiB), Unit: "MiB"},
		VCPU:       &libvirtxml.DomainVCPU{Value: uint(m.VCPUs)},
		OS:         &libvirtxml.DomainOS{Type: &libvirtxml.DomainOSType{Arch: "x86_64", Machine: machine, Type: "hvm"}, BootMenu: &libvirtxml.DomainBootMenu{Enable: "no"}, BIOS: &libvirtxml.DomainBIOS{UseSerial: "no"}},
		Features:   &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}, APIC: &libvirtxml.DomainFeatureAPIC{}},
		CPU:        cpu(e.config.KVM),
		Clock:      &libvirtxml.DomainClock{Offset: "utc", Timer: []libvirtxml.DomainTimer{{Name: "rtc", TickPolicy: "catchup"}, {Name: "pit", TickPolicy: "delay"}, {Name: "hpet", Present: "no"}}},
		OnPoweroff: "destroy", OnReboot: "restart", OnCrash: "destroy",
		Devices: e.devices(m),
	}
	if e.config.KVM {
		d.Type = "kvm"
	}
	for i, disk := range m.Disks {
		d.Devices.Disks = append(d.Devices.Disks, e.disk(disk, i))
	}
	if seed != "" {
		d.Devices.Disks = append(d.Devices.Disks, cdrom(seed))
	}
	if e.config.Bridge != "-" {
		for _, nic := range m.NICs {
			d.Devices.Interfaces = append(d.Devices.Interfaces, e.nic(nic))
		}
	}
	return d
}

// oddTitle keeps line breaks out of a title, which libvirt refuses.
func oddTitle(name string) string { return strings.Join(strings.Fields(name), " ") }

// cpu shows guests the host's processor under KVM, and all that TCG can emulate otherwise. TCG's five-level paging only costs time.
func cpu(kvm bool) *libvirtxml.DomainCPU {
	if kvm {
		return &libvirtxml.DomainCPU{Mode: "host-passthrough", Migratable: "on"}
	}
	return &libvirtxml.DomainCPU{Mode: "maximum", Features: []libvirtxml.DomainCPUFeature{{Policy: "disable", Name: "la57"}}}
}

// devices are those that every machine has.
func (e *Engine) devices(m hypervisor.Machine) *libvirtxml.DomainDeviceList {
	log := &libvirtxml.DomainChardevLog{File: e.SerialLog(m.UID), Append: "on"}
	port := uint(0)
	return &libvirtxml.DomainDeviceList{
		Controllers: []libvirtxml.DomainController{{Type: "usb", Model: "none"}},
		Serials: []libvirtxml.DomainSerial{{
			Source: &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}}, Log: log, Target: &libvirtxml.DomainSerialTarget{Port: &port},
		}},
		Channels: []libvirtxml.DomainChannel{{
			Source: &libvirtxml.DomainChardevSource{UNIX: &libvirtxml.DomainChardevSourceUNIX{Mode: "bind"}},
			Target: &libvirtxml.DomainChannelTarget{VirtIO: &libvirtxml.DomainChannelTargetVirtIO{Name: "org.qemu.guest_agent.0"}},
		}},
		// A socket that libvirt names itself lies in a folder that QEMU's user may write to.
		Graphics: []libvirtxml.DomainGraphic{{VNC: &libvirtxml.DomainGraphicVNC{
			Listeners: []libvirtxml.DomainGraphicListener{{Socket: &libvirtxml.DomainGraphicListenerSocket{}}},
		}}},
		Videos:     []libvirtxml.DomainVideo{{Model: libvirtxml.DomainVideoModel{Type: "vga"}}},
		MemBalloon: &libvirtxml.DomainMemBalloon{Model: "virtio", Stats: &libvirtxml.DomainMemBalloonStats{Period: 10}},
		RNGs:       []libvirtxml.DomainRNG{{Model: "virtio", Backend: &libvirtxml.DomainRNGBackend{Random: &libvirtxml.DomainRNGBackendRandom{Device: "/dev/urandom"}}}},
		Panics:     []libvirtxml.DomainPanic{{Model: "isa"}},
	}
}

// disk is a volume in the place of the given number; the first one boots.
func (e *Engine) disk(d hypervisor.Disk, place int) libvirtxml.DomainDisk {
	disk := libvirtxml.DomainDisk{
		Device: "disk",
		Driver: &libvirtxml.DomainDiskDriver{Name: "qemu", Type: d.Format, Cache: e.config.Cache, Discard: "unmap"},
		Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: d.Path}},
		Target: &libvirtxml.DomainDiskTarget{Dev: diskName(place), Bus: "virtio"},
		Serial: d.Serial(),
	}
	if strings.HasPrefix(d.Path, "/dev/") {
		disk.Source = &libvirtxml.DomainDiskSource{Block: &libvirtxml.DomainDiskSourceBlock{Dev: d.Path}}
	}
	if place == 0 {
		disk.Boot = &libvirtxml.DomainDeviceBoot{Order: 1}
	}
	return disk
}

func diskName(place int) string { return "vd" + string(rune('a'+place)) }

func cdrom(path string) libvirtxml.DomainDisk {
	return libvirtxml.DomainDisk{
		Device:   "cdrom",
		Driver:   &libvirtxml.DomainDiskDriver{Name: "qemu", Type: "raw"},
		Source:   &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: path}},
		Target:   &libvirtxml.DomainDiskTarget{Dev: "hda", Bus: "ide"},
		ReadOnly: &libvirtxml.DomainDiskReadOnly{},
	}
}

// nic joins the bridge under its port's UID, by which OVN finds it.
func (e *Engine) nic(n spec.NIC) libvirtxml.DomainInterface {
	zero, slot := uint(0), uint(firstNICSlot+n.Slot)
	nic := libvirtxml.DomainInterface{
		MAC:    &libvirtxml.DomainInterfaceMAC{Address: n.MAC},
		Source: &libvirtxml.DomainInterfaceSource{Bridge: &libvirtxml.DomainInterfaceSourceBridge{Bridge: e.config.Bridge}},
		VirtualPort: &libvirtxml.DomainInterfaceVirtualPort{Params: &libvirtxml.DomainInterfaceVirtualPortParams{
			OpenVSwitch: &libvirtxml.DomainInterfaceVirtualPortParamsOpenVSwitch{InterfaceID: n.Port},
		}},
		Model:   &libvirtxml.DomainInterfaceModel{Type: "virtio"},
		ROM:     &libvirtxml.DomainROM{Enabled: "no"}, // machines boot from disk: the boot ROM only costs time
		Address: &libvirtxml.DomainAddress{PCI: &libvirtxml.DomainAddressPCI{Domain: &zero, Bus: &zero, Slot: &slot, Function: &zero}},
	}
	if n.MTU > 0 {
		nic.MTU = &libvirtxml.DomainInterfaceMTU{Size: uint(n.MTU)}
	}
	if !e.config.Offload {
		nic.Driver = &libvirtxml.DomainInterfaceDriver{
			Host:  &libvirtxml.DomainInterfaceDriverHost{CSum: "off", GSO: "off", TSO4: "off", TSO6: "off", ECN: "off", UFO: "off"},
			Guest: &libvirtxml.DomainInterfaceDriverGuest{CSum: "off", TSO4: "off", TSO6: "off", ECN: "off", UFO: "off"},
		}
	}
	return nic
}
