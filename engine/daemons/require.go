package daemons

import (
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strings"
)

// packages says which Debian 12 package brings a program.
var packages = map[string]string{
	"bash":               "bash",
	"ip":                 "iproute2",
	"ethtool":            "ethtool",
	"nsenter":            "util-linux",
	"unshare":            "util-linux",
	"ovsdb-server":       "openvswitch-switch",
	"ovsdb-tool":         "openvswitch-common",
	"ovs-vswitchd":       "openvswitch-switch",
	"ovs-vsctl":          "openvswitch-switch",
	"ovn-northd":         "ovn-central",
	"ovn-nbctl":          "ovn-common",
	"ovn-sbctl":          "ovn-common",
	"ovn-controller":     "ovn-host",
	"haproxy":            "haproxy",
	"nginx":              "libnginx-mod-stream",
	"libvirtd":           "libvirt-daemon",
	"virtlogd":           "libvirt-daemon-system",
	"qemu-system-x86_64": "qemu-system-x86",
	"qemu-img":           "qemu-utils",
}

// Missing checks that this process is root and that every program the daemons need is installed. Its error says what to install.
func Missing() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("real engines need root: network and mount namespaces are made for them")
	}
	wanted := map[string]bool{}
	for program, pkg := range packages {
		if _, err := exec.LookPath(program); err != nil {
			wanted[pkg] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	names := make([]string, 0, len(wanted))
	for name := range wanted {
		names = append(names, name)
	}
	sort.Strings(names)
	return fmt.Errorf("programs are missing: apt-get install --no-install-recommends %s (or make setup)", strings.Join(names, " "))
}
