// Package rfb is a small server of the remote framebuffer protocol 3.8 (RFC 6143): a text screen that anybody who holds the connection may see and type on.
//
// It speaks security type None and Raw encoding only, which every viewer knows. It serves the consoles of simulated machines; real machines' screens are
// QEMU's own. What does not live here: whose screen it is and who may see it (engine/sim, consoleproxy).
package rfb
