package doctor

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"edgecloud/engine/daemons"
	"edgecloud/engine/hypervisor/probe"
)

func checkPrograms(context.Context, Config) []Finding {
	if err := daemons.Missing(); err != nil {
		_, do, found := strings.Cut(err.Error(), ": ")
		if !found {
			do = "Run as root."
		}
		return bad("programs", Fail, do, "%v", err)
	}
	return ok("programs", "libvirt, QEMU, Open vSwitch, OVN, HAProxy and nginx are installed")
}

// checkKVM starts a guest of 512 bytes: a /dev/kvm that opens is no proof.
func checkKVM(ctx context.Context, c Config) []Finding {
	r, err := probe.KVM(ctx, probe.Config{})
	if err != nil {
		return bad("kvm", Fail, "apt-get install --no-install-recommends qemu-system-x86", "it cannot be found out: %v", err)
	}
	if r.KVM {
		return ok("kvm", "a guest ran under it")
	}
	do := "Guests run under QEMU's TCG, about ten times slower. Switch virtualization on in the firmware, or nested virtualization on the host around (options kvm_intel nested=1)."
	if missingFile("/dev/kvm") {
		do += " There is no /dev/kvm: modprobe kvm_intel or kvm_amd."
	}
	return bad("kvm", Warn, do, "%s", r.Reason)
}

func checkDatapath(context.Context, Config) []Finding {
	modules, err := os.ReadFile("/proc/modules")
	if err == nil && strings.Contains("\n"+string(modules), "\nopenvswitch ") {
		return ok("datapath", "the kernel's openvswitch module is loaded")
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // empty matches nothing
	found, _ := filepath.Glob(filepath.Join("/lib/modules", strings.TrimSpace(string(release)), "kernel/net/openvswitch/openvswitch.ko*"))
	if len(found) > 0 {
		return bad("datapath", Warn, "modprobe openvswitch, and add it to /etc/modules.", "the kernel has an openvswitch module that is not loaded")
	}
	return bad("datapath", Warn, "It works, with less throughput. A kernel with the openvswitch module (Debian's own) is faster.",
		"the kernel has no openvswitch module: the userspace datapath is used")
}

// checkDaemons tells what runs already: it is used as it is, and never stopped.
func checkDaemons(context.Context, Config) []Finding {
	var all []Finding
	for _, d := range []struct{ name, socket string }{
		{"libvirtd", daemons.LibvirtSocket}, {"ovsdb-server", daemons.OVSSocket}, {"ovn northbound", daemons.NBSocket}, {"ovn southbound", daemons.SBSocket},
	} {
		path := filepath.Join("/run", d.socket)
		conn, err := net.DialTimeout("unix", path, time.Second)
		switch {
		case err == nil:
			_ = conn.Close() // it was only to see
			all = append(all, ok(d.name, "runs at %s and is used", path)...)
		case missingFile(path):
			all = append(all, ok(d.name, "does not run; edgecloud up starts it")...)
		default:
			all = append(all, bad(d.name, Warn, "edgecloud up starts it. If that fails, remove the socket.", "a socket without a server: %v", err)...)
		}
	}
	return all
}

// needMemory leaves the cloud, its daemons and one small guest room.
const needMemory = 2 << 20 // KiB

func checkMemory(context.Context, Config) []Finding {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return bad("memory", Warn, "Mount /proc.", "%v", err)
	}
	available := meminfo(string(text), "MemAvailable")
	if available < needMemory {
		return bad("memory", Warn, "Guests take what their flavor says; free some, or use small flavors.", "%.1f GiB available", gib(available<<10))
	}
	said := ok("memory", "%.1f GiB available", gib(available<<10))
	if pages := meminfo(string(text), "HugePages_Total"); pages > 0 {
		said = append(said, bad("huge pages", Warn, "Set vm.nr_hugepages=0 unless something else uses them: guests here use ordinary memory.", "%d pages are set aside", pages)...)
	}
	return said
}

func meminfo(text, name string) int64 {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64) // 0 is what an unreadable number means here
			return n
		}
	}
	return 0
}

func checkCgroups(context.Context, Config) []Finding {
	text, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers")
	if err != nil {
		return bad("cgroups", Warn, "Boot with the unified hierarchy (systemd.unified_cgroup_hierarchy=1) if guests shall be limited.", "no cgroup v2: guests' processor shares are not limited")
	}
	for _, want := range []string{"cpu", "memory"} {
		if !strings.Contains(" "+strings.TrimSpace(string(text))+" ", " "+want+" ") {
			return bad("cgroups", Warn, "Let the container around delegate it.", "the controller %s is not available here", want)
		}
	}
	return ok("cgroups", "version 2 with cpu and memory")
}

func checkForwarding(context.Context, Config) []Finding {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	if err == nil && strings.TrimSpace(string(text)) == "1" {
		return ok("forwarding", "on: guests can reach beyond this machine")
	}
	return bad("forwarding", Warn, "sysctl -w net.ipv4.ip_forward=1, and NAT for the public range, if guests shall reach the internet through this machine (docs/operate.md).",
		"off: guests reach this machine and one another only")
}
