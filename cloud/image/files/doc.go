// Package files keeps the files behind images, on the centre's disk.
//
//	<sha256>              complete and checked; what hosts fetch
//	incoming/<uid>        what has arrived so far of one image's file
//	incoming/<uid>.disk   its packed content, being unpacked
//
// A file gets its final name after its content is checked and on disk, and before any row speaks of it; what a crash leaves in incoming is continued, or swept
// when no image waits for it. Every call can be repeated.
//
// What does not live here: which image a file belongs to (cloud/image), how hosts fetch it (controlplane serves it, agent/apply asks).
package files
