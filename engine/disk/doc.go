// Package disk keeps images and volumes of one host.
//
// An image is a read-only file that volumes start from by reference, so that making a volume is immediate. Volumes have an epoch: a higher one throws the
// content away and starts again from the image; that is how a reinstall can be repeated safely. Only Remove destroys data.
//
// What does not live here: which volume is attached where (link/spec, engine/hypervisor), where image files come from (agent).
package disk
