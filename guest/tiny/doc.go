// Package tiny builds a Linux disk of a few megabytes that behaves like a cloud's image: it boots by itself under SeaBIOS, reads the NoCloud config drive of
// edgecloud/guest/seed, and serves SSH (22), HTTP (80: host name and instance-id), echo (7), the QEMU guest agent and consoles on ttyS0 and tty1. It ends
// cleanly on the ACPI power button. Its system partition grows to the disk at each boot.
//
// It is made from Debian's cloud kernel, BusyBox, Dropbear, resize2fs and QEMU guest agent as installed on this machine. The guest's own scripts are in root;
// instance.sh lists the subset of cloud-init that they implement.
//
// What does not live here: the config drive (guest/seed), image storage.
package tiny
