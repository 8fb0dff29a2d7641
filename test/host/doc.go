// Package host makes real test hosts on one machine: network, mount and PID namespaces, each with its own Open vSwitch, ovn-controller and libvirt, on a
// fabric with its own OVN central. See "Test hosts" in the architecture.
//
//	fabric := host.NewFabric(t)
//	a, b := fabric.Host(t, "a"), fabric.Host(t, "b")
//	// fabric.NBEndpoint, a.OVSEndpoint, a.LibvirtSocket are unix sockets that the test's process reaches by path
//	// paths outside /run, /etc/libvirt, /var/lib/libvirt are the same inside and outside: put disks into t.TempDir()
//
// Nothing of the machine's own libvirt or OVS is touched, and everything ends with the test's process, even when it is killed: see engine/daemons.
//
// Userspace datapath: what sends into OVS must not leave checksums to the hardware. Port does so for its own interface; a guest needs
// <driver><host csum='off'/><guest csum='off' tso4='off' tso6='off' ufo='off'/></driver>, or `ethtool -K vnetN tx off` on its tap.
package host
