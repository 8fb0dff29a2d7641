package libvirt_test

import (
	"testing"

	"edgecloud/engine/hypervisor/hypervisortest"
)

func TestSuite(t *testing.T) {
	need(t, "virsh", "libvirt-clients")
	need(t, "libvirtd", "libvirt-daemon")
	need(t, "qemu-system-x86_64", "qemu-system-x86")
	c := newCell(t)
	hypervisortest.Suite(t, "libvirt", c.fixture)
}
