// Package libvirt runs machines through libvirt's RPC protocol on its unix socket.
//
// A machine is a libvirt domain whose UUID is the instance's UID. A metadata element marks it as ours and carries two fingerprints of what it was defined
// from, so that the package keeps no state: what drifted is read by comparing what runs with what is defined. Files of its own are seeds and serial logs,
// named by the UID, in the state folder. Domains that carry no mark are never listed, changed or removed.
//
// What does not live here: whether KVM works (engine/hypervisor/probe), disks (engine/disk), the bridge that NICs join (engine/network).
package libvirt
