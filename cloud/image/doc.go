// Package image keeps the catalogue of images: what tenants see (a name, an operating system, a smallest disk) and the file behind it.
//
// One file can stand behind several public names (an operator maps "Ubuntu 16.04 server 64bit" to whatever file there is); hosts cache files, not names.
//
// What does not live here: the files themselves (the control plane's file server and the hosts' pools), volumes made from them (volume).
package image
