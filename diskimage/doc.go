// Package diskimage tells by its content what a disk image file is: qcow2, raw or packed, how large the disk inside is, and whether the file would make QEMU
// open other files of the machine.
//
// The centre asks before it puts a file into the catalogue, the hosts' pools before they let a machine have it. Nothing is read but headers.
//
// What does not live here: checksums, where files are kept (cloud/image/files, engine/disk).
package diskimage
