// Package debian builds a Debian 12 disk for the cloud with mmdebstrap: cloud kernel, GRUB for BIOS, systemd, OpenSSH, cloud-init with NoCloud (guest/seed),
// QEMU guest agent, growing root partition, consoles on ttyS0 and tty1.
//
// Packages come from the apt sources of this machine, whichever they are. The disk is put together without loop devices: mkfs.ext4 fills the partition, GRUB's
// core goes into the gap before it. The guest's own files are in root. Kernels that the guest installs later boot by themselves: GRUB follows /vmlinuz and
// /initrd.img, which Debian keeps on the newest.
//
// What does not live here: the config drive (guest/seed), image storage.
package debian
