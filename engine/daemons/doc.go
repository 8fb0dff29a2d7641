// Package daemons starts the programs that a real site needs (Open vSwitch, OVN, libvirt) by hand, in a given folder, where no systemd does it: in the
// test hosts, and on a container-like machine.
//
// A Namespace is a set of Linux namespaces (network, mount, PID, UTS) with its own /run, /etc/libvirt and state folders, held open by one anchor process
// that is PID 1 inside. The anchor reads a pipe whose other end the starting program holds: when that program ends, however it ends, the anchor ends, and
// the kernel kills everything inside and frees its interfaces. So nothing leaks, and killing the anchor is a power cut.
//
// Every Start function takes a Runner, so that the same code starts the daemons inside a Namespace or directly on a machine (Direct).
// What does not live here: what the daemons are asked to do (engine/hypervisor, engine/network), and test fabrics (test/host).
package daemons
