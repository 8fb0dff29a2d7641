// Package qcow keeps images and volumes as files of one folder: the engine/disk.Pool of a plain host.
//
//	images/<uid>.qcow2 or .raw    read-only; complete as soon as it has this name
//	images/<uid>.sha256           the checksum it was fetched with; written before the image gets its name
//	volumes/<uid>.e<epoch>.qcow2  overlay on ../images/<uid>, or blank; the highest epoch is the volume
//	                              (its snapshots are inside it, named by their UIDs)
//	*.part                        unfinished; thrown away when the pool is opened
//
// All that is known is in these names and in the qcow2 headers, so nothing can disagree after a crash: a file gets its name by rename after its content is
// on disk. The layout is also a libvirt directory pool, and backing files are relative, so the folder can be moved. One process at a time opens a pool.
//
// What does not live here: where image files come from, which machine uses a volume (a running machine's disk grows through the Grow hook).
package qcow
