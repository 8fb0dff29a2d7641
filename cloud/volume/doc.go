// Package volume keeps disks: which there are, how large, on which host, attached to which instance, and what each host says of them.
//
// What does not live here: the instances they are attached to (compute), how a disk is made (engine/disk).
package volume
